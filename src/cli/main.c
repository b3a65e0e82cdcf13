/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vqi/inspect.h"
#include "vqi/options.h"

#include "advice.h"
#include "all.h"
#include "diff.h"
#include "find.h"
#include "output.h"
#include "report_file.h"
#include "settings.h"

VQI_DEFINE_CLEANUP_VALUE(struct vqi_diagnosis, vqi_diagnosis_done)

static struct vqi_error *check(const struct vqi_options *options, int *ret_status)
{
	bool can;
	struct vqi_error *error = vqi_check(options, &can);

	if (error)
		return error;
	*ret_status = can ? VQI_EXIT_OK : VQI_EXIT_FAILED;
	return vqi_output_close();
}

static struct vqi_error *run(int argc, char **argv, int *ret_status)
{
	vqi_cleanup(vqi_options_done) struct vqi_options options = {0};
	vqi_cleanup_snapshot struct vqi_snapshot *snapshot = NULL;
	vqi_cleanup(vqi_diagnosis_done) struct vqi_diagnosis diagnosis = {0};
	struct vqi_error *error;

	*ret_status = VQI_EXIT_OK;
	error = vqi_options_parse(argc, argv, &options);
	if (error)
		return error;
	if (options.action == VQI_ACTION_HELP) {
		vqi_options_help(stdout);
		return vqi_output_close();
	}
	if (options.action == VQI_ACTION_VERSION) {
		puts("virtq-inspect " VQI_VERSION);
		return vqi_output_close();
	}
	if (options.diff_old)
		return vqi_diff_files(&options);
	if (options.all)
		return vqi_inspect_all(&options, ret_status);
	if (options.replay)
		error = vqi_settings_take(&options);
	else if (options.name)
		error = vqi_find_named(options.name, &options.pid);
	if (error)
		return error;
	if (options.export_layout)
		return vqi_export_layout(&options);
	if (options.check)
		return check(&options, ret_status);
	if (options.watch_ms)
		return vqi_watch(&options, ret_status);
	error = vqi_inspect(&options, &snapshot, &diagnosis);
	if (error)
		return error;
	*ret_status = diagnosis.exit_status;
	if (options.report)
		error = vqi_report_file_write(&options, snapshot, &diagnosis);
	if (error)
		return error;
	return options.quiet ? NULL : vqi_output_report(&options, snapshot, &diagnosis);
}

int main(int argc, char **argv)
{
	vqi_cleanup_error struct vqi_error *error = NULL;
	int status;

	setlocale(LC_CTYPE, ""); /* not LC_NUMERIC: 0.25 is 0.25 everywhere */
	error = run(argc, argv, &status);
	if (!error)
		return status;
	fprintf(stderr, "virtq-inspect: %s\n", error->message);
	vqi_advise(stderr, error);
	return error->code == VQI_ERROR_USAGE ? VQI_EXIT_USAGE : VQI_EXIT_FAILED;
}
