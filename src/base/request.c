/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vqi/request.h"

#include <stdlib.h>
#include <string.h>

void vqi_stack_done(struct vqi_stack *stack)
{
	for (size_t i = 0; i < stack->count; i++) {
		free(stack->frames[i].module);
		free(stack->frames[i].function);
		free(stack->frames[i].file);
	}
	free(stack->frames);
	free(stack->gap);
}

void vqi_request_done(struct vqi_request *request)
{
	for (size_t i = 0; i < request->detail_count; i++)
		free(request->details[i].text);
	free(request->details);
	free(request->buffers);
	free(request->dump);
	vqi_stack_done(&request->stack);
}

static struct vqi_error *add(struct vqi_request *request, struct vqi_detail detail)
{
	struct vqi_detail *grown = reallocarray(request->details, request->detail_count + 1,
						sizeof(*request->details));

	if (!grown) {
		free(detail.text);
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	}
	request->details = grown;
	request->details[request->detail_count++] = detail;
	return NULL;
}

struct vqi_error *vqi_request_add_number(struct vqi_request *request, const char *name,
					 uint64_t number)
{
	return add(request, (struct vqi_detail){.name = name, .number = VQI_NUM(number)});
}

struct vqi_error *vqi_request_add_text(struct vqi_request *request, const char *name,
				       const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return vqi_error_new(VQI_ERROR_NOMEM, "out of memory");
	return add(request, (struct vqi_detail){.name = name, .text = copy});
}
