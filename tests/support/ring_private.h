/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VQI_TESTS_RING_PRIVATE_H
#define VQI_TESTS_RING_PRIVATE_H

#include "ring_builder.h"

#define RING_NEXT     0x0001
#define RING_WRITE    0x0002
#define RING_INDIRECT 0x0004

uint16_t ring_get16(const struct ring_builder *ring, const uint8_t *bytes);
void ring_put16(const struct ring_builder *ring, uint8_t *bytes, uint16_t value);

/* Writes address and length of the i-th descriptor of a buffer, which is at an index of the ring: what
 * both kinds have in common. */
void ring_put_desc(const struct ring_builder *ring, const struct ring_buffer *buffer, uint16_t i,
		   uint16_t index);

/* Which flags it has, but NEXT. */
uint16_t ring_flags(const struct ring_buffer *buffer, uint16_t i);

bool ring_need_event(uint16_t event, uint16_t now, uint16_t before);
void ring_append(struct ring_list *list, struct ring_buffer buffer);
struct ring_buffer ring_remove(struct ring_list *list, size_t n);

void split_start(struct ring_builder *ring);
void split_add(struct ring_builder *ring, const struct ring_buffer *buffer);
void split_put_flags(const struct ring_builder *ring, uint8_t *desc, uint16_t flags, uint16_t next);
void split_free(struct ring_builder *ring, const struct ring_buffer *buffer);
void split_publish(struct ring_builder *ring);
bool split_look(struct ring_builder *ring);
void split_pop(struct ring_builder *ring);
void split_complete(struct ring_builder *ring, const struct ring_buffer *buffer);
bool split_reap(struct ring_builder *ring, uint16_t *ret_id);
void split_set_notification(struct ring_builder *ring);
void split_set_interrupts(struct ring_builder *ring);

void packed_add(struct ring_builder *ring, struct ring_buffer *buffer);
void packed_put_flags(const struct ring_builder *ring, uint8_t *desc, uint16_t flags);
void packed_publish(struct ring_builder *ring);
bool packed_look(struct ring_builder *ring);
void packed_pop(struct ring_builder *ring);
void packed_complete(struct ring_builder *ring, const struct ring_buffer *buffer);
bool packed_reap(struct ring_builder *ring, uint16_t *ret_id);
void packed_set_notification(struct ring_builder *ring);
void packed_set_interrupts(struct ring_builder *ring);

#endif
