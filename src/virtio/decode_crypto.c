/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-crypto: never more than what is to be done, and in which session.
 * Source: VirtIO 1.2, 5.9.7; linux/virtio_crypto.h. */
#include "decoding.h"

/* An opcode is a service, then what it is to do. */
static const struct vqi_code control_opcodes[] = {
	{0x002, "cipher-create-session"},   {0x003, "cipher-destroy-session"},
	{0x102, "hash-create-session"},	    {0x103, "hash-destroy-session"},
	{0x202, "mac-create-session"},	    {0x203, "mac-destroy-session"},
	{0x302, "aead-create-session"},	    {0x303, "aead-destroy-session"},
	{0x404, "akcipher-create-session"}, {0x405, "akcipher-destroy-session"},
};

static const struct vqi_code data_opcodes[] = {
	{0x000, "cipher-encrypt"},
	{0x001, "cipher-decrypt"},
	{0x100, "hash"},
	{0x200, "mac"},
	{0x300, "aead-encrypt"},
	{0x301, "aead-decrypt"},
	{0x400, "akcipher-encrypt"},
	{0x401, "akcipher-decrypt"},
	{0x402, "akcipher-sign"},
	{0x403, "akcipher-verify"},
};

static bool is_destroy(uint32_t opcode)
{
	return opcode == 0x405 || (opcode <= 0x303 && (opcode & 0xff) == 3);
}

/* struct virtio_crypto_op_header: opcode, algo, session_id; virtio_crypto_ctrl_header: opcode, algo, flag,
 * reserved, and to destroy a session, its id. */
void vqi_decode_crypto(struct vqi_decoding *decoding)
{
	bool is_control = vqi_decoding_has_role(decoding, "control");
	uint8_t header[24];
	size_t have = vqi_decoding_read(decoding, 0, header, sizeof(header));
	uint32_t opcode = vqi_guest_u32(header, decoding->big_endian);
	const char *name = is_control ? VQI_CODE_NAME(control_opcodes, opcode)
				      : VQI_CODE_NAME(data_opcodes, opcode);

	if (have < 4)
		return;
	vqi_decoding_kind(decoding, name, "opcode", opcode);
	if (!name || have < 16 || (is_control && !is_destroy(opcode)))
		return;
	if (is_control && have < sizeof(header))
		return;
	vqi_decoding_number(decoding, "session_id",
			    vqi_guest_u64(header + (is_control ? 16 : 8), decoding->big_endian));
}
