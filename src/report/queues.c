/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "fields.h"
#include "fold.h"
#include "table.h"
#include "text.h"
#include "vqi/cleanup.h"
#include "words.h"

#define STATUS_DRIVER	 (1u << 1) /* VirtIO 1.2, 2.1 */
#define STATUS_DRIVER_OK (1u << 2)

/* Queues that have no row of their own, by state. */
struct totals {
	size_t parked, idle, paused, disabled;
	size_t driverless; /* devices */
	size_t clientless; /* exports */
};

struct fold_state {
	enum vqi_queue_state state;
	const char *word;
	size_t *total;
};

static bool has_driver(const struct vqi_device *device)
{
	if (device->is_export) /* a client stands for it */
		return device->unread || device->queue_count;
	return device->unread || device->status & STATUS_DRIVER;
}

size_t vqi_text_short_label(const struct vqi_device *device)
{
	static const char backend[] = "/virtio-backend";
	size_t len = strlen(vqi_text_label(device)), backend_len = strlen(backend);

	if (!device->id && len > backend_len &&
	    strcmp(vqi_text_label(device) + len - backend_len, backend) == 0)
		len -= backend_len;
	return len;
}

/* How the table calls a device: in short on a terminal. */
static void put_label(struct vqi_table *table, struct libscols_line *row,
		      const struct vqi_device *device)
{
	const char *label = vqi_text_label(device);
	size_t len = table->page->width ? vqi_text_short_label(device) : strlen(label);

	vqi_table_cell(table, row, 0, VQI_STYLE_PLAIN, "%.*s", (int)len, label);
}

/* The columns that both tables begin with. */
static void put_device(struct vqi_table *table, struct libscols_line *row,
		       const struct vqi_device *device)
{
	const char *address = device->is_export ? "vhost-user" : device->transport_address;

	put_label(table, row, device);
	vqi_table_cell(table, row, 1, VQI_STYLE_PLAIN, "%s", device->type ? device->type : "-");
	vqi_table_cell(table, row, 2, VQI_STYLE_PLAIN, "%s", address ? address : "-");
}

static bool is_in_finding(const struct vqi_text *text, const struct vqi_queue *queue)
{
	for (size_t i = 0; i < text->diagnosis->finding_count; i++)
		if (text->diagnosis->findings[i].queue == queue)
			return true;
	return false;
}

bool vqi_text_has_outstanding(const struct vqi_queue *queue)
{
	return vqi_num_nonzero(vqi_queue_untaken(queue)) || vqi_num_nonzero(queue->in_flight) ||
	       vqi_num_nonzero(queue->unreaped);
}

/* It carries work, something is wrong with it, or all are wanted. */
bool vqi_text_has_row(const struct vqi_text *text, const struct vqi_queue *queue)
{
	if (text->options->verbose || is_in_finding(text, queue))
		return true;
	switch (queue->state) {
	case VQI_QUEUE_DISABLED:
	case VQI_QUEUE_IDLE:
	case VQI_QUEUE_PARKED:
		return false;
	case VQI_QUEUE_PAUSED:
		return queue->kind != VQI_KIND_RECEIVE && vqi_text_has_outstanding(queue);
	default:
		return true;
	}
}

enum vqi_style vqi_text_state_style(enum vqi_queue_state state)
{
	switch (state) {
	case VQI_QUEUE_STUCK:
		return VQI_STYLE_RED;
	case VQI_QUEUE_UNKNOWN:
	case VQI_QUEUE_PAUSED:
		return VQI_STYLE_YELLOW;
	case VQI_QUEUE_BUSY:
		return VQI_STYLE_GREEN;
	default:
		return VQI_STYLE_PLAIN;
	}
}

static void put_number(struct vqi_table *table, struct libscols_line *row, size_t column,
		       struct vqi_num number)
{
	if (number.known)
		vqi_table_cell(table, row, column, VQI_STYLE_PLAIN, "%" PRIu64, number.value);
	else
		vqi_table_cell(table, row, column, VQI_STYLE_PLAIN, "-");
}

static void put_row(struct vqi_table *table, const struct vqi_snapshot *snapshot,
		    const struct vqi_device *device, const struct vqi_queue *queue)
{
	const struct vqi_loop *loop = vqi_snapshot_loop(snapshot, queue);
	struct libscols_line *row = vqi_table_row(table);

	put_device(table, row, device);
	vqi_table_cell(table, row, 3, VQI_STYLE_PLAIN, "%u", queue->index);
	vqi_table_cell(table, row, 4, VQI_STYLE_PLAIN, "%s", queue->role ? queue->role : "-");
	vqi_table_cell(table, row, 5, vqi_text_state_style(queue->state), "%s",
		       vqi_queue_state_word(queue->state));
	put_number(table, row, 6, queue->avail_idx);
	put_number(table, row, 7, queue->shadow_avail_idx);
	put_number(table, row, 8, queue->last_avail_idx);
	put_number(table, row, 9, vqi_queue_used(queue));
	put_number(table, row, 10, vqi_queue_reaped(queue));
	vqi_table_cell(table, row, 11, VQI_STYLE_PLAIN, "%s", loop ? loop->name : "-");
}

static void print_rows(struct vqi_text *text)
{
	static const struct vqi_column columns[] = {
		{"DEVICE", false, VQI_COLUMN_CUT},  {"TYPE", false, VQI_COLUMN_DROP},
		{"AT", false, VQI_COLUMN_DROP},	    {"QUEUE", true, VQI_COLUMN_FIXED},
		{"ROLE", false, VQI_COLUMN_FIXED},  {"STATE", false, VQI_COLUMN_FIXED},
		{"AVAIL", true, VQI_COLUMN_FIXED},  {"SEEN", true, VQI_COLUMN_FIXED},
		{"TAKEN", true, VQI_COLUMN_FIXED},  {"USED", true, VQI_COLUMN_FIXED},
		{"REAPED", true, VQI_COLUMN_FIXED}, {"SERVED BY", false, VQI_COLUMN_DROP},
	};
	const struct vqi_snapshot *snapshot = text->snapshot;
	struct vqi_table table;

	vqi_table_init(&table, &text->page, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < snapshot->device_count; i++) {
		const struct vqi_device *device = &snapshot->devices[i];

		for (size_t j = 0; j < device->queue_count; j++)
			if (vqi_text_has_row(text, &device->queues[j]))
				put_row(&table, snapshot, device, &device->queues[j]);
	}
	vqi_table_print(&table);
	vqi_table_done(&table);
}

/* Prints "; parked: 0 rx, 2 ctrl-rx", if there are queues in this state, and counts them. */
static bool describe_state(FILE *out, const struct vqi_device *device, const bool *folded,
			   const struct fold_state *state, const char **separator)
{
	vqi_cleanup_free char *queues = NULL;
	size_t len = 0, count = 0;
	FILE *list = open_memstream(&queues, &len);
	bool good;

	if (!list)
		return false;
	good = vqi_fold_roles(list, device, folded, state->state, &count);
	if (fclose(list) || !good)
		return false;
	if (count) {
		fprintf(out, "%s%s: %s", *separator, state->word, queues);
		*separator = "; ";
	}
	*state->total += count;
	return true;
}

/* Prints "parked: 0 rx; idle: 1 tx, 2 ctrl" and counts. */
static bool describe_folded(FILE *out, const struct vqi_device *device, const bool *folded,
			    struct totals *totals)
{
	const struct fold_state states[] = {
		{VQI_QUEUE_PARKED, "parked", &totals->parked},
		{VQI_QUEUE_IDLE, "idle", &totals->idle},
		{VQI_QUEUE_PAUSED, "paused", &totals->paused},
		{VQI_QUEUE_DISABLED, "not set up", &totals->disabled},
	};
	bool driver = has_driver(device);
	const char *separator = "";

	if (device->unread) {
		fputs("could not be read", out);
	} else if (device->is_export && !device->started) {
		fputs(driver ? "its client has started no queue" : "no client", out);
		separator = "; ";
	} else if (!device->is_export && !(device->status & STATUS_DRIVER_OK)) {
		fputs(driver ? "driver has not finished its set-up" : "no driver", out);
		separator = "; ";
	}
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (!driver && states[i].state == VQI_QUEUE_DISABLED)
			continue; /* as it must be */
		if (!describe_state(out, device, folded, &states[i], &separator))
			return false;
	}
	return true;
}

/* Describes the queues of a device that are folded, which some are.
 * Owner: the caller. NULL without memory. */
static char *describe_device(const struct vqi_device *device, const bool *folded,
			     struct totals *totals)
{
	vqi_cleanup_free char *description = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&description, &len);
	bool good;

	if (!out)
		return NULL;
	good = describe_folded(out, device, folded, totals);
	if (fclose(out) || !good)
		return NULL;
	return take_ptr(description);
}

/* Puts the row of a device whose queues have not all got one. */
static void put_folded(struct vqi_text *text, struct vqi_table *table,
		       const struct vqi_device *device, struct totals *totals)
{
	vqi_cleanup_free bool *folded = calloc(device->queue_count + 1, sizeof(*folded));
	vqi_cleanup_free char *description = NULL;
	struct libscols_line *row;
	size_t count = 0;

	for (size_t i = 0; folded && i < device->queue_count; i++) {
		folded[i] = !vqi_text_has_row(text, &device->queues[i]);
		count += folded[i];
	}
	if (!has_driver(device) && device->is_export)
		totals->clientless++;
	else if (!has_driver(device))
		totals->driverless++;
	else if (folded && count == 0 && !device->unread)
		return;
	description = folded ? describe_device(device, folded, totals) : NULL;
	if (!description) {
		text->page.failed = true;
		return;
	}
	row = vqi_table_row(table);
	put_device(table, row, device);
	vqi_table_cell(table, row, 3, VQI_STYLE_PLAIN, "%s", description);
}

static void print_totals(struct vqi_text *text, const struct totals *totals)
{
	const struct {
		size_t count;
		const char *what;
	} queues[] = {
		{totals->parked, "parked"},
		{totals->idle, "idle"},
		{totals->paused, "paused"},
		{totals->disabled, "not set up"},
	};
	const char *separator = "", *noun = " queue";
	struct vqi_page *page = &text->page;

	vqi_page_begin(page, 0, 2);
	for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++) {
		if (!queues[i].count)
			continue;
		vqi_page_add(page, VQI_STYLE_PLAIN, "%s%zu%s%s %s", separator, queues[i].count,
			     noun, *noun && queues[i].count > 1 ? "s" : "", queues[i].what);
		separator = ", ";
		noun = "";
	}
	if (totals->driverless) {
		vqi_page_add(page, VQI_STYLE_PLAIN, "%s%zu device%s without a driver", separator,
			     totals->driverless, totals->driverless == 1 ? "" : "s");
		separator = ", ";
	}
	if (totals->clientless)
		vqi_page_add(page, VQI_STYLE_PLAIN, "%s%zu export%s without a client", separator,
			     totals->clientless, totals->clientless == 1 ? "" : "s");
	if (!page->empty)
		vqi_page_end(page);
}

static void print_folded(struct vqi_text *text)
{
	static const struct vqi_column columns[] = {
		{"DEVICE", false, VQI_COLUMN_CUT},
		{"TYPE", false, VQI_COLUMN_DROP},
		{"AT", false, VQI_COLUMN_DROP},
		{"OTHER QUEUES", false, VQI_COLUMN_WRAP},
	};
	const struct vqi_snapshot *snapshot = text->snapshot;
	struct totals totals = {0};
	struct vqi_table table;

	vqi_table_init(&table, &text->page, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < snapshot->device_count; i++)
		put_folded(text, &table, &snapshot->devices[i], &totals);
	vqi_table_print(&table);
	vqi_table_done(&table);
	print_totals(text, &totals);
}

/* Says which devices' rings QEMU does not run. */
static void print_vhost(struct vqi_text *text)
{
	for (size_t i = 0; i < text->snapshot->device_count; i++) {
		const struct vqi_device *device = &text->snapshot->devices[i];
		const char *type = vqi_vhost_word(device->vhost);

		if (device->vhost == VQI_VHOST_NONE)
			continue;
		vqi_page_line(&text->page, 0, VQI_STYLE_PLAIN,
			      "%s: rings run by vhost%s%s%s; QEMU's own indices are stale and not "
			      "shown",
			      vqi_text_label(device), type ? " (" : "", type ? type : "",
			      type ? ")" : "");
	}
}

void vqi_text_other_queues(struct vqi_text *text)
{
	print_folded(text);
	print_vhost(text);
}

void vqi_text_queues(struct vqi_text *text)
{
	print_rows(text);
	vqi_text_other_queues(text);
}
