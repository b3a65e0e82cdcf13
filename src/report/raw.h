/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbose part of the text: all raw fields. */
#ifndef VQI_REPORT_RAW_H
#define VQI_REPORT_RAW_H

#include "page.h"
#include "vqi/snapshot.h"

/* Add " NAME VALUE", with a dash for what is unknown. */
void vqi_raw_number(struct vqi_page *page, const char *name, struct vqi_num number);
void vqi_raw_boolean(struct vqi_page *page, const char *name, struct vqi_num number);
void vqi_raw_address(struct vqi_page *page, const char *name, struct vqi_num address);

/* Prints a node of the block layer. */
void vqi_raw_node(struct vqi_page *page, const struct vqi_block_node *node);

/* Prints all that is known of a queue. */
void vqi_raw_queue(struct vqi_page *page, const struct vqi_queue *queue);

/* Prints who does the work: event loops, threads, virtual CPUs; nothing where none is known. */
void vqi_raw_host(struct vqi_page *page, const struct vqi_snapshot *snapshot);

#endif
