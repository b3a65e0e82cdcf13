/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fields.h"

/* Name and place of a member. */
#define MEMBER(member) #member, offsetof(struct vqi_queue, member)

const struct vqi_queue_field vqi_queue_fields[] = {
	{VQI_FIELDS_GUEST, VQI_FORM_NUMBER, MEMBER(avail_idx)},
	{VQI_FIELDS_GUEST, VQI_FORM_NUMBER, MEMBER(used_ring_idx)},
	{VQI_FIELDS_GUEST, VQI_FORM_NUMBER, MEMBER(avail_flags)},
	{VQI_FIELDS_GUEST, VQI_FORM_NUMBER, MEMBER(used_flags)},
	{VQI_FIELDS_GUEST, VQI_FORM_NUMBER, MEMBER(used_event)},
	{VQI_FIELDS_GUEST, VQI_FORM_NUMBER, MEMBER(avail_event)},
	{VQI_FIELDS_QEMU, VQI_FORM_NUMBER, MEMBER(shadow_avail_idx)},
	{VQI_FIELDS_QEMU, VQI_FORM_NUMBER, MEMBER(last_avail_idx)},
	{VQI_FIELDS_QEMU, VQI_FORM_NUMBER, MEMBER(used_idx)},
	{VQI_FIELDS_QEMU, VQI_FORM_NUMBER, MEMBER(inuse)},
	{VQI_FIELDS_QEMU, VQI_FORM_NUMBER, MEMBER(signalled_used)},
	{VQI_FIELDS_QEMU, VQI_FORM_BOOLEAN, MEMBER(signalled_used_valid)},
	{VQI_FIELDS_QEMU, VQI_FORM_BOOLEAN, MEMBER(notification)},
	{VQI_FIELDS_QEMU, VQI_FORM_NUMBER, MEMBER(vector)},
	{VQI_FIELDS_QEMU, VQI_FORM_NUMBER, MEMBER(waiting_packets)},
	{VQI_FIELDS_DERIVED, VQI_FORM_NUMBER, MEMBER(unseen)},
	{VQI_FIELDS_DERIVED, VQI_FORM_NUMBER, MEMBER(in_flight)},
	{VQI_FIELDS_DERIVED, VQI_FORM_NUMBER, MEMBER(unreaped)},
	{VQI_FIELDS_DERIVED, VQI_FORM_BOOLEAN, MEMBER(kick_due)},
	{VQI_FIELDS_DERIVED, VQI_FORM_BOOLEAN, MEMBER(interrupt_due)},
};
const size_t vqi_queue_field_count = sizeof(vqi_queue_fields) / sizeof(vqi_queue_fields[0]);

struct vqi_num vqi_queue_field_value(const struct vqi_queue *queue,
				     const struct vqi_queue_field *field)
{
	return *(const struct vqi_num *)(const void *)((const char *)queue + field->offset);
}

struct vqi_num vqi_queue_used(const struct vqi_queue *queue)
{
	return queue->used_idx.known ? queue->used_idx : queue->used_ring_idx;
}

struct vqi_num vqi_queue_reaped(const struct vqi_queue *queue)
{
	struct vqi_num used = vqi_queue_used(queue);

	if (queue->ring == VQI_RING_SPLIT)
		return vqi_num_ahead(used, queue->unreaped);
	/* Indices of a packed ring are positions in it. */
	if (!used.known || !queue->unreaped.known || !queue->num)
		return VQI_UNKNOWN;
	return VQI_NUM((used.value % queue->num + queue->num - queue->unreaped.value % queue->num) %
		       queue->num);
}
