/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wire format of the flash channel: image files, and what is said to the boot
 * loaders PSI and EBL.
 *
 * Readers: iosm_ipc_flash.c, iosm_ipc_coredump.c, iosm_ipc_devlink*.c and the
 * KUnit suite iosm_flash_wire. Everything here is pure: no device, no lock, no
 * timer, no socket buffer, no allocation. Implements protocol.rst 7.5 and 7.6.
 *
 * What a modem says is checked here against 10.6.6, rows F2, F4 to F9 and F12 to
 * F17. The length that a parser takes is that of the whole transfer; any other
 * than the protocol's is -EPROTO.
 */

#ifndef IOSM_IPC_FLASH_WIRE_H
#define IOSM_IPC_FLASH_WIRE_H

#include <linux/types.h>

/* Image files, protocol.rst 7.5.1 */
#define IOSM_IMAGE_HEADER_SIZE	64	/* bytes before the payload */

/* Elements that are not EBL packets, bytes, protocol.rst 7.3 and 7.5.4 */
#define IOSM_PSI_ACK_SIZE	2	/* of a PSI that was injected */
#define IOSM_RPSI_SIZE		8	/* a command to PSI */
#define IOSM_RPSI_ACK_SIZE	2	/* each of the three while an EBL is loaded */
#define IOSM_EBL_LENGTH_SIZE	4	/* length of the EBL, little-endian */
#define IOSM_EBL_RECORD_SIZE	76	/* capability record */

/* Format of the SWID table that we know; byte 70 of the capability record */
#define IOSM_EBL_SWID_VERSION	2

/* EBL packets, bytes, protocol.rst 7.5.5 */
#define IOSM_EBL_HEADER_SIZE	8	/* of requests and responses */
#define IOSM_EBL_PAYLOAD_MAX	16384	/* longest payload, both ways */
#define IOSM_EBL_CONTROL_SIZE	16	/* out-of-session control */
#define IOSM_EBL_RANGE_SIZE	8	/* erase start */
#define IOSM_EBL_WORD_SIZE	4	/* set address, data read, write raw image */
#define IOSM_EBL_EMPTY_SIZE	2	/* security end, erase check: zeros */
#define IOSM_EBL_RAW_MAX	(1024 * 1024)	/* one TD of raw data, 7.5.6 */

/* Text of an error list: eight times "0x1234/0x5678", separators and the end */
#define IOSM_EBL_ERRORS_TEXT	128

/* Coredumps, protocol.rst 7.6 */
#define IOSM_COREDUMPS		6	/* files, and regions */
#define IOSM_COREDUMP_LIST_SIZE	4096	/* the list, and the answer to the end */
#define IOSM_COREDUMP_CHUNK_MAX	65536	/* one TD of a file */

#define IOSM_FLASH_NAME_SIZE	32	/* names in both tables, with their end */

/**
 * enum iosm_image_type - what an image file is for, protocol.rst 7.5.1
 * @IOSM_IMAGE_PSI: first boot loader, injected into the boot ROM
 * @IOSM_IMAGE_EBL: second boot loader, given to PSI
 * @IOSM_IMAGE_FLS: a part of the firmware, given to EBL
 */
enum iosm_image_type {
	IOSM_IMAGE_PSI,
	IOSM_IMAGE_EBL,
	IOSM_IMAGE_FLS,
};

/**
 * struct iosm_image - an image file, protocol.rst 7.5.1
 * @type: what it is for
 * @address: where it goes in the NAND, if it is a region
 * @region: it is a region; or else, of FLS, a security pack
 * @last: last region of its software image: the security session ends after it
 * @payload: what follows the header, inside the file
 * @len: bytes of @payload, at least 1
 */
struct iosm_image {
	enum iosm_image_type type;
	u32 address;
	bool region;
	bool last;
	const u8 *payload;
	size_t len;
};

/**
 * enum iosm_rpsi_command - commands to PSI, protocol.rst 7.5.3
 * @IOSM_RPSI_LOAD_EBL: an EBL follows; parameter 0
 * @IOSM_RPSI_DUMP_LIST: begin, and send the list of files; parameter
 *	IOSM_COREDUMP_LIST_SIZE
 * @IOSM_RPSI_DUMP_GET: send one file; parameter is its index
 * @IOSM_RPSI_DUMP_END: no more files; parameter IOSM_COREDUMP_LIST_SIZE
 */
enum iosm_rpsi_command {
	IOSM_RPSI_LOAD_EBL	= 0x0002,
	IOSM_RPSI_DUMP_LIST	= 0x0010,
	IOSM_RPSI_DUMP_GET	= 0x0011,
	IOSM_RPSI_DUMP_END	= 0x0012,
};

/**
 * enum iosm_ebl_id - EBL packets, protocol.rst 7.5.5
 * @IOSM_EBL_ERROR: only in responses: the payload is a list of errors
 * @IOSM_EBL_PROTOCOL: protocol configuration: the capability record
 * @IOSM_EBL_SECURITY_START: the security pack
 * @IOSM_EBL_SECURITY_END: end of the software image
 * @IOSM_EBL_SET_ADDRESS: where the next raw image goes in the NAND
 * @IOSM_EBL_ERASE_START: erase a range of the NAND
 * @IOSM_EBL_ERASE_CHECK: has the erasing come to its end?
 * @IOSM_EBL_OOS_CONTROL: out-of-session control: read SWID table, erase all
 * @IOSM_EBL_OOS_READ: what the out-of-session control asked for
 * @IOSM_EBL_WRITE_RAW: raw data follow, then comes the response
 */
enum iosm_ebl_id {
	IOSM_EBL_ERROR		= 0x0041,
	IOSM_EBL_PROTOCOL	= 0x0086,
	IOSM_EBL_SECURITY_START	= 0x0204,
	IOSM_EBL_SECURITY_END	= 0x0205,
	IOSM_EBL_SET_ADDRESS	= 0x0802,
	IOSM_EBL_ERASE_START	= 0x0805,
	IOSM_EBL_ERASE_CHECK	= 0x0806,
	IOSM_EBL_OOS_CONTROL	= 0x080c,
	IOSM_EBL_OOS_READ	= 0x080e,
	IOSM_EBL_WRITE_RAW	= 0x080f,
};

/**
 * struct iosm_swid - software in the modem, protocol.rst 7.5.4
 * @sets: number of sets; all that follows is of the first
 * @name: what @id is of; terminated, printable ASCII
 * @id: software id
 * @rf_name: what @rf_id is of; terminated, printable ASCII
 * @rf_id: id of the RF engine
 */
struct iosm_swid {
	u32 sets;
	char name[IOSM_FLASH_NAME_SIZE];
	u32 id;
	char rf_name[IOSM_FLASH_NAME_SIZE];
	u32 rf_id;
};

/**
 * struct iosm_coredump_kind - one of the files of a core dump, protocol.rst 7.6.2
 * @name: name of its region
 * @size: bytes of its region, the most that the file may have
 */
struct iosm_coredump_kind {
	const char *name;
	u32 size;
};

/* By index of the file */
extern const struct iosm_coredump_kind iosm_coredump_kinds[IOSM_COREDUMPS];

/**
 * struct iosm_coredump_file - an entry of the list, protocol.rst 7.6.1
 * @size: bytes that the modem has, at most those of the region; may be 0
 * @name: as the modem calls it; terminated, printable ASCII
 */
struct iosm_coredump_file {
	u32 size;
	char name[IOSM_FLASH_NAME_SIZE];
};

/**
 * struct iosm_coredump_list - the list of files, protocol.rst 7.6.1
 * @version: of the format, means nothing to us (F14)
 * @count: valid entries of @files, 1 to IOSM_COREDUMPS
 * @files: file i belongs to region i
 */
struct iosm_coredump_list {
	u32 version;
	unsigned int count;
	struct iosm_coredump_file files[IOSM_COREDUMPS];
};

int iosm_image_parse(const u8 *file, size_t len, struct iosm_image *image);
const char *iosm_image_type_name(enum iosm_image_type type);

int iosm_psi_ack(const void *td, size_t len, bool *dump);
void iosm_rpsi_build(u8 buf[IOSM_RPSI_SIZE], enum iosm_rpsi_command command, u32 parameter);

int iosm_ebl_record_edit(u8 *record, size_t len, bool erase_full);
u8 iosm_ebl_record_swid_version(const u8 record[IOSM_EBL_RECORD_SIZE]);

u16 iosm_ebl_sum(u16 sum, const void *data, size_t len);
void iosm_ebl_header(u8 header[IOSM_EBL_HEADER_SIZE], enum iosm_ebl_id id, u32 len, u16 sum);
size_t iosm_ebl_request_max(enum iosm_ebl_id id);
int iosm_ebl_request(u8 header[IOSM_EBL_HEADER_SIZE], enum iosm_ebl_id id, const void *payload,
		     size_t len);
void iosm_ebl_swid_read(u8 payload[IOSM_EBL_CONTROL_SIZE]);
void iosm_ebl_erase_all(u8 payload[IOSM_EBL_CONTROL_SIZE]);
int iosm_ebl_erase_range(u8 payload[IOSM_EBL_RANGE_SIZE], u32 address, size_t len);

int iosm_ebl_response(const void *td, size_t len, u16 *id);
bool iosm_ebl_answers_other(enum iosm_ebl_id request, u16 id);
size_t iosm_ebl_response_size(enum iosm_ebl_id id);
unsigned int iosm_ebl_errors(const void *payload, size_t len, char *text, size_t size);
int iosm_ebl_erase_result(const void *payload, size_t len, u16 *result);
int iosm_ebl_control_result(const void *payload, size_t len, u32 *token);
int iosm_ebl_swid_parse(const void *payload, size_t len, struct iosm_swid *swid);

int iosm_coredump_list_parse(const void *td, size_t len, struct iosm_coredump_list *list);

#endif
