/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what was seen to what is wrong: pure functions of one or two snapshots. */
#ifndef VQI_DIAGNOSE_H
#define VQI_DIAGNOSE_H

#include <stddef.h>

#include "vqi/error.h"
#include "vqi/snapshot.h"

/* Units: ms. How long a queue must have stood still before it is blamed. */
#define VQI_SURE_MS 1000

enum vqi_severity { VQI_NOTE, VQI_WARNING, VQI_ERROR };
enum vqi_confidence { VQI_CANDIDATE, VQI_CONFIRMED };

struct vqi_finding;

/* What a rule looks at: the VM, one event loop, one device or one queue, now and a look before. */
struct vqi_subject {
	const struct vqi_snapshot *snapshot;
	const struct vqi_snapshot *earlier; /* NULL for a single look */
	const struct vqi_loop *loop;	    /* of its own, or that of the queue; NULL: unknown */
	const struct vqi_loop *loop_before; /* the same a look earlier; NULL: there was none */
	const struct vqi_device *device;    /* NULL: the VM or a loop */
	const struct vqi_device *device_before; /* the same a look earlier; NULL: there was none */
	const struct vqi_queue *queue;		/* NULL: the device, a loop or the VM */
	const struct vqi_queue *before;		/* the same a look earlier; NULL: there was none */
	bool held_still; /* two consistent looks in which no index of the queue moved */
};

enum vqi_scope {
	VQI_SCOPE_VM,
	VQI_SCOPE_LOOP,
	VQI_SCOPE_DEVICE, /* nothing is said of the queues then */
	VQI_SCOPE_QUEUE,
	VQI_SCOPE_EXPORT, /* a device, whatever is said of its queues */
};

/* One thing that must be so for a rule to apply. Pure. */
typedef bool (*vqi_rule_term)(const struct vqi_subject *subject);

#define VQI_RULE_TERMS 6

/* Fills the summary and the evidence of a finding, and lowers its severity or confidence where the
 * facts are few. Pure. Errors: NOMEM. */
typedef struct vqi_error *(*vqi_rule_explain)(const struct vqi_subject *subject,
					      struct vqi_finding *finding);

/* One kind of finding. Of the rules of one scope the first that applies to a subject is the cause;
 * later ones would only be its consequences. */
struct vqi_rule {
	const char *id; /* "request-stuck-in-device" */
	enum vqi_scope scope;
	enum vqi_severity severity; /* the highest it can have */
	const char *title;	    /* one sentence: what the id says */
	const char *next_step; /* what the reader should do now, where nothing better is known */
	bool over_time;	       /* it says that something stands still */
	bool wants_stacks;     /* requests in flight and back traces tell more */
	vqi_rule_term all[VQI_RULE_TERMS]; /* each of these must hold ... */
	vqi_rule_term any[VQI_RULE_TERMS]; /* ... and one of these, where there are any */
	vqi_rule_explain explain;
};

/* Whether a rule applies to a subject of its scope. Pure. */
bool vqi_rule_applies(const struct vqi_rule *rule, const struct vqi_subject *subject);

/* The rule table, in the order of the decision. */
extern const struct vqi_rule vqi_rules[];
extern const size_t vqi_rule_count;

struct vqi_finding {
	const struct vqi_rule *rule;
	enum vqi_severity severity;
	enum vqi_confidence confidence;	 /* a candidate is at most a warning */
	const struct vqi_device *device; /* NULL: the VM */
	const struct vqi_queue *queue;	 /* NULL: the device or the VM */
	char *summary;			 /* one line, without device and queue */
	char **evidence;		 /* one fact a line, with values and addresses */
	size_t evidence_count;
	char *next_step;			  /* NULL: the rule's */
	const struct vqi_known_fix **known_fixes; /* of a bug that may be it, not in this QEMU */
	size_t known_fix_count;
};

/* What the reader should do now. */
static inline const char *vqi_finding_next_step(const struct vqi_finding *finding)
{
	return finding->next_step ? finding->next_step : finding->rule->next_step;
}

/* A bug of QEMU that was mended. Source: data/known-fixes.tsv, which says what each column means. */
struct vqi_known_fix {
	const char *finding;	/* id of the rule that it shows as */
	const char *device;	/* "virtio-blk virtio-scsi"; NULL: any, or the VM */
	const char *introduced; /* first release that has it; NULL: unknown, all before */
	const char *fixed;     /* releases that mend it, one of each stable series: "8.2.2 9.0.0" */
	const char *commit;    /* abbreviated id */
	const char *subject;   /* first line of its message */
	const char *condition; /* what else must be so */
	const char *needs;     /* what can be seen of that; NULL: nothing */
};

/* Whether what a fix needs is there of a finding's subject. */
bool vqi_known_fix_fits(const struct vqi_known_fix *fix, const struct vqi_subject *subject);

extern const struct vqi_known_fix vqi_known_fixes[];
extern const size_t vqi_known_fix_count;

/* Whether a QEMU of this version ("7.2.22 (Debian ...)") lacks a fix that it could need. A distribution may
 * have it all the same. */
bool vqi_known_fix_is_missing(const struct vqi_known_fix *fix, const char *version);

/* A request in a few words, "write sector 204800, 128 KiB, head 17, for 312 s"; and the innermost functions of a back
 * trace but for what all have in common, "" for none. NULL without memory. Owner: the caller. */
char *vqi_request_words(const struct vqi_request *request);
char *vqi_stack_words(const struct vqi_stack *stack);

/* Exit statuses; see the man page. */
enum vqi_exit {
	VQI_EXIT_OK = 0,
	VQI_EXIT_FINDING = 1,
	VQI_EXIT_USAGE = 2,
	VQI_EXIT_FAILED = 3,
	VQI_EXIT_PARTIAL = 4,
};

struct vqi_diagnosis {
	struct vqi_finding *findings; /* the worst first, then in the order of devices and queues */
	size_t finding_count;
	enum vqi_exit exit_status; /* OK, FINDING or PARTIAL */
};

/* Diagnoses the later look; earlier is NULL for a single look, after which nothing is called stuck.
 * Sets the state of every queue of later. Findings point into later, which must outlive them.
 * Errors: NOMEM. */
struct vqi_error *vqi_diagnose(const struct vqi_snapshot *earlier, struct vqi_snapshot *later,
			       struct vqi_diagnosis *ret_diagnosis) vqi_must_check;
void vqi_diagnosis_done(struct vqi_diagnosis *diagnosis);

/* Whether the VM runs, and the process that it is in, as far as it is known. */
bool vqi_vm_is_running(const struct vqi_snapshot *snapshot);

#endif
