/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File systems: 9P and FUSE. Both are little-endian on the wire as far as QEMU is.
 * Source: VirtIO 1.2, 5.11.6; linux/fuse.h; include/net/9p/9p.h of Linux. */
#include "decoding.h"

#define P9_HEADER   7  /* size[4] type[1] tag[2], */
#define P9_FID	    4  /* and a fid where the message begins with one */
#define FUSE_HEADER 40 /* struct fuse_in_header */

static const struct vqi_code p9_messages[] = {
	{8, "statfs"},	 {12, "lopen"},	    {14, "lcreate"},	 {16, "symlink"},
	{18, "mknod"},	 {20, "rename"},    {22, "readlink"},	 {24, "getattr"},
	{26, "setattr"}, {30, "xattrwalk"}, {32, "xattrcreate"}, {40, "readdir"},
	{50, "fsync"},	 {52, "lock"},	    {54, "getlock"},	 {70, "link"},
	{72, "mkdir"},	 {74, "renameat"},  {76, "unlinkat"},	 {100, "version"},
	{102, "auth"},	 {104, "attach"},   {108, "flush"},	 {110, "walk"},
	{112, "open"},	 {114, "create"},   {116, "read"},	 {118, "write"},
	{120, "clunk"},	 {122, "remove"},   {124, "stat"},	 {126, "wstat"},
};

void vqi_decode_9p(struct vqi_decoding *decoding)
{
	uint8_t header[P9_HEADER + P9_FID];
	size_t have = vqi_decoding_read(decoding, 0, header, sizeof(header));
	const char *name;

	if (have < P9_HEADER)
		return;
	name = VQI_CODE_NAME(p9_messages, header[4]);
	vqi_decoding_kind(decoding, name, "type", header[4]);
	vqi_decoding_number(decoding, "tag", vqi_guest_u16(header + 5, false));
	/* version has none, flush the tag of another; what is unknown may have anything */
	if (!name || header[4] == 100 || header[4] == 108 || have < sizeof(header))
		return;
	vqi_decoding_number(decoding, "fid", vqi_guest_u32(header + P9_HEADER, false));
}

static const struct vqi_code fuse_opcodes[] = {
	{1, "lookup"},	      {2, "forget"},	     {3, "getattr"},
	{4, "setattr"},	      {5, "readlink"},	     {6, "symlink"},
	{8, "mknod"},	      {9, "mkdir"},	     {10, "unlink"},
	{11, "rmdir"},	      {12, "rename"},	     {13, "link"},
	{14, "open"},	      {15, "read"},	     {16, "write"},
	{17, "statfs"},	      {18, "release"},	     {20, "fsync"},
	{21, "setxattr"},     {22, "getxattr"},	     {23, "listxattr"},
	{24, "removexattr"},  {25, "flush"},	     {26, "init"},
	{27, "opendir"},      {28, "readdir"},	     {29, "releasedir"},
	{30, "fsyncdir"},     {31, "getlk"},	     {32, "setlk"},
	{33, "setlkw"},	      {34, "access"},	     {35, "create"},
	{36, "interrupt"},    {37, "bmap"},	     {38, "destroy"},
	{39, "ioctl"},	      {40, "poll"},	     {41, "notify-reply"},
	{42, "batch-forget"}, {43, "fallocate"},     {44, "readdirplus"},
	{45, "rename2"},      {46, "lseek"},	     {47, "copy-file-range"},
	{48, "setupmapping"}, {49, "removemapping"}, {50, "syncfs"},
	{51, "tmpfile"},      {52, "statx"},
};

void vqi_decode_fs(struct vqi_decoding *decoding)
{
	uint8_t header[FUSE_HEADER];
	uint32_t opcode;

	if (vqi_decoding_has_role(decoding, "notification")) {
		vqi_decoding_receive(decoding, "notification");
		return;
	}
	if (vqi_decoding_read(decoding, 0, header, sizeof(header)) < sizeof(header))
		return;
	opcode = vqi_guest_u32(header + 4, decoding->big_endian);
	vqi_decoding_kind(decoding, VQI_CODE_NAME(fuse_opcodes, opcode), "opcode", opcode);
	vqi_decoding_number(decoding, "unique", vqi_guest_u64(header + 8, decoding->big_endian));
	vqi_decoding_number(decoding, "nodeid", vqi_guest_u64(header + 16, decoding->big_endian));
}
