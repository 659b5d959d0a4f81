// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Flashing
 *
 * One image file at a time goes to the modem:
 *
 * * a PSI into the boot ROM; it says that it runs, and whether there is a core dump;
 * * an EBL to the PSI; then both sides agree on what they can do, and the EBL tells what
 *   software is in the modem;
 * * the parts of the firmware to the EBL: per software image a security pack, and then
 *   regions, each of them erased and written.
 *
 * The EBL refuses what it does not like with an answer that lists errors. Then both sides
 * know where they are, and the user may try something else. All other failures end the
 * session with the loader, see iosm_ipc_flash_link.c.
 *
 * What can be checked without the modem is checked before it is told anything.
 *
 * Implements protocol.rst 7.3, 7.5, 7.9, and 10.6.6 F2 to F12.
 */

#include <linux/jiffies.h>
#include <linux/sizes.h>
#include <linux/unaligned.h>

#include "iosm_ipc_boot.h"
#include "iosm_ipc_coredump.h"
#include "iosm_ipc_flash_parts.h"

/* One TD of raw data, bytes: small enough that memory for some of them is always found */
#define IOSM_FLASH_RAW_CHUNK	SZ_64K

static_assert(IOSM_FLASH_RAW_CHUNK <= IOSM_EBL_RAW_MAX);

/* One TD holds so much, bytes (protocol.rst 3.5.1) */
#define IOSM_FLASH_TD_MAX	0xffffff

/* Between two questions whether the flash memory is erased, milliseconds */
#define IOSM_FLASH_ERASE_POLL	20

/* Words for the user */

static int iosm_flash_explain_load(int err, struct netlink_ext_ack *extack)
{
	switch (err) {
	case -EBUSY:
		NL_SET_ERR_MSG_MOD(extack, "the modem is not in its boot ROM");
		break;
	case -EACCES:
		NL_SET_ERR_MSG_MOD(extack, "the boot ROM refused the PSI");
		break;
	case -EFBIG:
		NL_SET_ERR_MSG_MOD(extack, "the PSI is too large");
		break;
	case -ENOMEM:
		NL_SET_ERR_MSG_MOD(extack, "not enough memory that the modem can access");
		break;
	case -ETIMEDOUT:
		NL_SET_ERR_MSG_MOD(extack, "the PSI did not start in time");
		break;
	case -ENODEV:
		NL_SET_ERR_MSG_MOD(extack, "the modem is gone");
		break;
	case -EIO:
		NL_SET_ERR_MSG_MOD(extack, "the PSI did not start, or the modem was reset");
		break;
	case -EINTR:
		NL_SET_ERR_MSG_MOD(extack, "interrupted");
		break;
	}
	return err;
}

/**
 * iosm_flash_want_loader() - see to it that there is a session with a loader
 * @flash: not in a conversation
 * @extack: for words to the user, may be NULL
 *
 * Context: process, may sleep up to half a minute.
 * Return: as iosm_modem_want_loader().
 */
int iosm_flash_want_loader(struct iosm_flash *flash, struct netlink_ext_ack *extack)
{
	int ret = iosm_modem_want_loader(flash->modem);

	switch (ret) {
	case -EBUSY:
		NL_SET_ERR_MSG_MOD(extack, "no boot loader runs; flash a PSI file first");
		break;
	case -ETIMEDOUT:
	case -EIO:
		NL_SET_ERR_MSG_MOD(extack, "the loader does not begin a session");
		break;
	case -ENODEV:
		NL_SET_ERR_MSG_MOD(extack, "the modem is gone");
		break;
	case -EINTR:
		NL_SET_ERR_MSG_MOD(extack, "interrupted");
		break;
	}
	return ret;
}

/* PSI */

/**
 * iosm_flash_command() - give PSI a command
 * @flash: in a conversation
 * @command: which
 * @parameter: for it
 * @doing: what is being done, constant string for the log
 *
 * Context: process, may sleep. Implements protocol.rst 7.5.3.
 * Return: 0; or as iosm_flash_ask() and iosm_flash_write().
 */
int iosm_flash_command(struct iosm_flash *flash, enum iosm_rpsi_command command, u32 parameter,
		       const char *doing)
{
	u8 bytes[IOSM_RPSI_SIZE];
	int ret;

	ret = iosm_flash_ask(flash, doing);
	if (ret)
		return ret;
	iosm_rpsi_build(bytes, command, parameter);
	return iosm_flash_write(flash, bytes, sizeof(bytes));
}

static int iosm_flash_greet_psi(struct iosm_flash *flash)
{
	char text[IOSM_PSI_ACK_SIZE * 2 + 1];
	u8 ack[IOSM_PSI_ACK_SIZE];
	bool dump;
	int ret;

	flash->doing = "start of the PSI";
	ret = iosm_flash_read_exact(flash, ack, sizeof(ack));
	if (ret)
		return ret;
	ret = iosm_psi_ack(ack, sizeof(ack), &dump);
	if (ret)
		return ret;

	snprintf(text, sizeof(text), "%x%x", ack[0], ack[1]);
	iosm_flash_status(flash, text, "PSI ACK", 0, 0);
	return dump ? iosm_coredump_list(flash) : 0;
}

static void iosm_flash_rom_refused(struct iosm_modem *modem, u32 result,
				   struct iosm_flash_progress *progress)
{
	char text[sizeof("0x12345678")];

	snprintf(text, sizeof(text), "%#x", result);
	dev_err(modem->dev, "flash: boot ROM refused the PSI: %s\n", text);
	if (progress)
		progress->status(progress, text, "ROM ERROR", 0, 0);
}

/**
 * iosm_flash_psi() - inject a PSI into the boot ROM
 * @flash: of the modem
 * @image: of type IOSM_IMAGE_PSI
 * @progress: to be told of it, may be NULL
 * @extack: for words to the user, may be NULL
 *
 * If the modem has a core dump, its files are known after the return, see
 * iosm_coredump_available().
 *
 * Context: process, may sleep up to half a minute. Implements protocol.rst 7.3.
 * Return: 0; -EBUSY: not in the boot ROM; -EACCES: the ROM refused the image; -EFBIG;
 * -ENOMEM; -ETIMEDOUT; -EINTR; -ENODEV: no modem, or it left the loader; -EPROTO: wrong
 * length of an answer; -EBADMSG: wrong list of files; -EIO: the loader failed.
 */
int iosm_flash_psi(struct iosm_flash *flash, const struct iosm_image *image,
		   struct iosm_flash_progress *progress, struct netlink_ext_ack *extack)
{
	struct iosm_modem *modem = flash->modem;
	u32 rom_result;
	int ret;

	iosm_modem_talk(modem, true);
	if (progress && iosm_modem_state(modem) == IOSM_ROM)
		progress->status(progress, "Loading", "PSI", 0, image->len);
	ret = iosm_modem_load_psi(modem, image->payload, image->len, &rom_result);
	if (ret == -EACCES)
		iosm_flash_rom_refused(modem, rom_result, progress);
	if (!ret && progress)
		progress->status(progress, "Loading", "PSI", image->len, image->len);
	if (ret)
		iosm_flash_explain_load(ret, extack);
	else
		ret = iosm_flash_begin(flash, progress, extack);
	if (!ret) {
		iosm_coredump_forget(flash);
		ret = iosm_flash_greet_psi(flash);
		iosm_flash_end(flash);
	}
	iosm_modem_talk(modem, false);
	return ret;
}

/* Packets of the EBL */

static int iosm_flash_refused(struct iosm_flash *flash)
{
	char text[IOSM_EBL_ERRORS_TEXT];

	if (!iosm_ebl_errors(flash->answer, IOSM_EBL_PAYLOAD_MAX, text, sizeof(text)))
		strscpy(text, "not told", sizeof(text));
	dev_err(flash->modem->dev, "flash: %s: refused, class/code %s\n", flash->doing, text);
	iosm_flash_status(flash, text, "EBL ERROR", 0, 0);
	NL_SET_ERR_MSG_MOD(flash->extack, "the EBL refused; class and code are in the kernel log");
	return -EREMOTEIO;
}

static int iosm_flash_send_packet(struct iosm_flash *flash, enum iosm_ebl_id id,
				  const void *payload, u32 len, const char *doing)
{
	u8 header[IOSM_EBL_HEADER_SIZE];
	int ret;

	ret = iosm_ebl_request(header, id, payload, len);
	if (ret)
		return ret;
	ret = iosm_flash_ask(flash, doing);
	if (ret)
		return ret;
	ret = iosm_flash_write(flash, header, sizeof(header));
	return ret ?: iosm_flash_write(flash, payload, len);
}

/* The payload is then in flash->answer, as long as the id says; the rest is zero. */
static int iosm_flash_read_response(struct iosm_flash *flash, enum iosm_ebl_id id)
{
	u32 size = iosm_ebl_response_size(id);
	u8 header[IOSM_EBL_HEADER_SIZE];
	int ret, verdict;
	u16 echo;

	ret = iosm_flash_read_exact(flash, header, sizeof(header));
	if (ret)
		return ret;
	verdict = iosm_ebl_response(header, sizeof(header), &echo);
	ret = iosm_flash_read_exact(flash, flash->answer, size);
	if (ret)
		return ret;

	memset(flash->answer + size, 0, IOSM_EBL_PAYLOAD_MAX - size);
	if (verdict == -EREMOTEIO)
		return iosm_flash_refused(flash);
	/* A late repetition, say. What has become of our request is still to come. */
	if (iosm_ebl_answers_other(id, echo))
		return iosm_flash_tear(flash, -EBADE);
	return verdict;
}

static int iosm_flash_packet(struct iosm_flash *flash, enum iosm_ebl_id id, const void *payload,
			     u32 len, const char *doing)
{
	int ret;

	ret = iosm_flash_send_packet(flash, id, payload, len, doing);
	return ret ?: iosm_flash_read_response(flash, id);
}

static int iosm_flash_packet_word(struct iosm_flash *flash, enum iosm_ebl_id id, u32 word,
				  const char *doing)
{
	u8 payload[IOSM_EBL_WORD_SIZE];

	put_unaligned_le32(word, payload);
	return iosm_flash_packet(flash, id, payload, sizeof(payload), doing);
}

static int iosm_flash_packet_empty(struct iosm_flash *flash, enum iosm_ebl_id id,
				   const char *doing)
{
	static const u8 payload[IOSM_EBL_EMPTY_SIZE];

	return iosm_flash_packet(flash, id, payload, sizeof(payload), doing);
}

/* EBL */

static int iosm_flash_read_ack(struct iosm_flash *flash, const char *doing)
{
	u8 ack[IOSM_RPSI_ACK_SIZE];
	int ret;

	flash->doing = doing;
	ret = iosm_flash_read_exact(flash, ack, sizeof(ack));
	if (!ret)
		dev_dbg(flash->modem->dev, "flash: %s: %*ph\n", doing, (int)sizeof(ack), ack);
	return ret;
}

/* Steps 1 to 7 of protocol.rst 7.5.4 */
static int iosm_flash_send_ebl(struct iosm_flash *flash, struct iosm_flash_buffer *ebl,
			       u8 record[IOSM_EBL_RECORD_SIZE])
{
	u8 len[IOSM_EBL_LENGTH_SIZE];
	int ret;

	iosm_coredump_forget(flash);
	ret = iosm_flash_command(flash, IOSM_RPSI_LOAD_EBL, 0, "load EBL");
	if (ret)
		return ret;
	ret = iosm_flash_read_ack(flash, "answer to the EBL command");
	if (ret)
		return ret;

	put_unaligned_le32(ebl->len, len);
	ret = iosm_flash_write(flash, len, sizeof(len));
	if (ret)
		return ret;
	ret = iosm_flash_read_ack(flash, "answer to the EBL length");
	if (ret)
		return ret;

	iosm_flash_status(flash, "Loading", "EBL", 0, ebl->len);
	iosm_flash_drop_unasked(flash);
	iosm_flash_post(flash, ebl);
	ret = iosm_flash_await_sent(flash, 0);
	if (ret)
		return ret;
	iosm_flash_status(flash, "Loading", "EBL", ebl->len, ebl->len);
	ret = iosm_flash_read_ack(flash, "answer to the EBL image");
	if (ret)
		return ret;

	flash->doing = "EBL capability record";
	return iosm_flash_read_exact(flash, record, IOSM_EBL_RECORD_SIZE);
}

static int iosm_flash_read_swid(struct iosm_flash *flash)
{
	u8 control[IOSM_EBL_CONTROL_SIZE];
	struct iosm_swid swid;
	char text[64];
	u32 token;
	int ret;

	iosm_ebl_swid_read(control);
	ret = iosm_flash_packet(flash, IOSM_EBL_OOS_CONTROL, control, sizeof(control),
				"ask for the SWID table");
	if (ret)
		return ret;
	ret = iosm_ebl_control_result(flash->answer, IOSM_EBL_PAYLOAD_MAX, &token);
	if (ret)
		return ret;
	ret = iosm_flash_packet_word(flash, IOSM_EBL_OOS_READ, token, "read the SWID table");
	if (ret)
		return ret;
	ret = iosm_ebl_swid_parse(flash->answer, IOSM_EBL_PAYLOAD_MAX, &swid);
	if (ret)
		return ret;

	snprintf(text, sizeof(text), "SWID: %x, RF_ENGINE_ID: %x", swid.id, swid.rf_id);
	iosm_flash_status(flash, text, NULL, 0, 0);
	return 0;
}

/* Steps 8 to 10 of protocol.rst 7.5.4 */
static int iosm_flash_agree(struct iosm_flash *flash, u8 record[IOSM_EBL_RECORD_SIZE],
			    bool erase_full)
{
	int ret;

	ret = iosm_ebl_record_edit(record, IOSM_EBL_RECORD_SIZE, erase_full);
	if (ret)
		return ret;
	ret = iosm_flash_packet(flash, IOSM_EBL_PROTOCOL, record, IOSM_EBL_RECORD_SIZE,
				"protocol configuration");
	if (ret)
		return ret;
	if (iosm_ebl_record_swid_version(record) != IOSM_EBL_SWID_VERSION) {
		NL_SET_ERR_MSG_MOD(flash->extack, "the EBL has a SWID table of an unknown version");
		return -EINVAL;
	}
	return iosm_flash_read_swid(flash);
}

static int iosm_flash_load_ebl(struct iosm_flash *flash, struct iosm_flash_buffer *ebl,
			       bool erase_full)
{
	u8 record[IOSM_EBL_RECORD_SIZE];
	int ret;

	if (iosm_modem_stage(flash->modem) != IOSM_STAGE_PSI) {
		iosm_flash_status(flash, "Invalid execution stage", NULL, 0, 0);
		NL_SET_ERR_MSG_MOD(flash->extack, "the modem is not in its first boot loader, PSI");
		return -EBUSY;
	}
	ret = iosm_flash_send_ebl(flash, ebl, record);
	return ret ?: iosm_flash_agree(flash, record, erase_full);
}

/* Not in a loader's stage at all: for the user that is the same. */
static int iosm_flash_wrong_stage(struct iosm_flash_progress *progress, int err)
{
	if (err == -EBUSY && progress)
		progress->status(progress, "Invalid execution stage", NULL, 0, 0);
	return err;
}

/**
 * iosm_flash_ebl() - give an EBL to the PSI
 * @flash: of the modem
 * @image: of type IOSM_IMAGE_EBL
 * @erase_full: the whole flash memory will be erased before something is written
 * @progress: to be told of it, may be NULL
 * @extack: for words to the user, may be NULL
 *
 * Context: process, may sleep half a minute, or more if the modem is slow. Implements
 * protocol.rst 7.5.4.
 * Return: 0; -EBUSY: no PSI runs; -EINVAL: the EBL is of a version that we do not know;
 * -EREMOTEIO: the EBL refused; -EFBIG; -ENOMEM; -ETIMEDOUT; -EINTR; -ENODEV: no modem, or
 * it left the loader; -EPROTO, -EBADE: wrong length of an answer, or one to something else;
 * -EIO: the loader failed.
 */
int iosm_flash_ebl(struct iosm_flash *flash, const struct iosm_image *image, bool erase_full,
		   struct iosm_flash_progress *progress, struct netlink_ext_ack *extack)
{
	struct iosm_flash_buffer ebl;
	int ret;

	if (image->len > IOSM_FLASH_TD_MAX) {
		NL_SET_ERR_MSG_MOD(extack, "the EBL is too large");
		return -EFBIG;
	}
	ret = iosm_flash_want_loader(flash, extack);
	if (ret)
		return iosm_flash_wrong_stage(progress, ret);
	ret = iosm_flash_prepare(flash, &ebl, image->payload, image->len);
	if (ret) {
		NL_SET_ERR_MSG_MOD(extack, "not enough memory in one piece for the EBL");
		return ret;
	}
	ret = iosm_flash_begin(flash, progress, extack);
	if (!ret) {
		ret = iosm_flash_load_ebl(flash, &ebl, erase_full);
		iosm_flash_end(flash);
	}
	iosm_flash_discard(flash, &ebl);
	return ret;
}

/* FLS */

/* 0: erased; -EAGAIN: not yet. */
static int iosm_flash_check_erased(struct iosm_flash *flash)
{
	u16 result;
	int ret;

	ret = iosm_flash_packet_empty(flash, IOSM_EBL_ERASE_CHECK, "erase check");
	if (ret)
		return ret;
	ret = iosm_ebl_erase_result(flash->answer, IOSM_EBL_PAYLOAD_MAX, &result);
	if (ret && ret != -EAGAIN) {
		dev_err(flash->modem->dev, "flash: erasing failed: %u\n", result);
		NL_SET_ERR_MSG_MOD(flash->extack, "the modem could not erase its flash memory");
		return -EREMOTEIO;
	}
	return ret;
}

static int iosm_flash_await_erased(struct iosm_flash *flash)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(flash->erase_timeout);
	int ret;

	for (;;) {
		ret = iosm_flash_check_erased(flash);
		if (ret != -EAGAIN)
			return ret;
		if (time_after(jiffies, deadline)) {
			NL_SET_ERR_MSG_MOD(flash->extack, "erasing the flash memory does not end");
			iosm_modem_failure(flash->modem, "erasing the flash memory does not end");
			return -ETIMEDOUT;
		}
		ret = iosm_flash_pause(flash, IOSM_FLASH_ERASE_POLL);
		if (ret)
			return ret;
	}
}

static int iosm_flash_erase_all(struct iosm_flash *flash, bool *erase_full)
{
	u8 control[IOSM_EBL_CONTROL_SIZE];
	int ret;

	ret = iosm_flash_ask(flash, "erase all");
	if (ret)
		return ret;
	/* From now on the EBL may do it, whatever comes back. */
	*erase_full = false;
	iosm_flash_status(flash, "Erasing the whole flash memory", "FLS", 0, 1);
	iosm_ebl_erase_all(control);
	ret = iosm_flash_packet(flash, IOSM_EBL_OOS_CONTROL, control, sizeof(control),
				"erase all");
	if (ret)
		return ret;
	ret = iosm_flash_await_erased(flash);
	if (ret)
		return ret;
	flash->erased = true;
	iosm_flash_status(flash, "Erasing the whole flash memory", "FLS", 1, 1);
	return 0;
}

static int iosm_flash_erase_region(struct iosm_flash *flash, const struct iosm_image *image)
{
	u8 range[IOSM_EBL_RANGE_SIZE];
	int ret;

	ret = iosm_ebl_erase_range(range, image->address, image->len);
	if (ret)
		return ret;
	iosm_flash_status(flash, "Erasing", "FLS", 0, image->len);
	ret = iosm_flash_packet(flash, IOSM_EBL_ERASE_START, range, sizeof(range), "erase start");
	if (ret)
		return ret;
	ret = iosm_flash_await_erased(flash);
	if (!ret)
		iosm_flash_status(flash, "Erasing", "FLS", image->len, image->len);
	return ret;
}

static int iosm_flash_post_raw(struct iosm_flash *flash, const u8 *data, u32 len)
{
	struct iosm_flash_buffer buffer;
	int ret;

	ret = iosm_flash_prepare(flash, &buffer, data, len);
	if (ret)
		return iosm_flash_tear(flash, ret);
	iosm_flash_post(flash, &buffer);
	return 0;
}

/* As many TDs at once as the ring takes. */
static int iosm_flash_stream(struct iosm_flash *flash, const u8 *data, u32 len)
{
	unsigned int room = flash->channel.config->ul_entries - 1;
	u32 chunk, done;
	int ret;

	for (done = 0; done < len; done += chunk) {
		iosm_flash_status(flash, "Writing", "FLS", done, len);
		chunk = min_t(u32, len - done, IOSM_FLASH_RAW_CHUNK);
		ret = iosm_flash_await_sent(flash, room - 1);
		if (ret)
			return ret;
		ret = iosm_flash_post_raw(flash, data + done, chunk);
		if (ret)
			return ret;
	}
	ret = iosm_flash_await_sent(flash, 0);
	if (!ret)
		iosm_flash_status(flash, "Writing", "FLS", len, len);
	return ret;
}

static int iosm_flash_write_raw(struct iosm_flash *flash, const struct iosm_image *image)
{
	u8 len[IOSM_EBL_WORD_SIZE];
	int ret;

	put_unaligned_le32(image->len, len);
	ret = iosm_flash_send_packet(flash, IOSM_EBL_WRITE_RAW, len, sizeof(len),
				     "write raw image");
	if (ret)
		return ret;
	/* The response comes after the data. */
	ret = iosm_flash_stream(flash, image->payload, image->len);
	return ret ?: iosm_flash_read_response(flash, IOSM_EBL_WRITE_RAW);
}

static int iosm_flash_region(struct iosm_flash *flash, const struct iosm_image *image)
{
	int ret = 0;

	if (!flash->erased)
		ret = iosm_flash_erase_region(flash, image);
	if (ret)
		return ret;
	ret = iosm_flash_packet_word(flash, IOSM_EBL_SET_ADDRESS, image->address, "set address");
	if (ret)
		return ret;
	ret = iosm_flash_write_raw(flash, image);
	if (ret || !image->last)
		return ret;
	return iosm_flash_packet_empty(flash, IOSM_EBL_SECURITY_END, "security end");
}

static int iosm_flash_security_pack(struct iosm_flash *flash, const struct iosm_image *image)
{
	int ret;

	iosm_flash_status(flash, "Loading", "FLS", 0, image->len);
	ret = iosm_flash_packet(flash, IOSM_EBL_SECURITY_START, image->payload, image->len,
				"security start");
	if (!ret)
		iosm_flash_status(flash, "Loading", "FLS", image->len, image->len);
	return ret;
}

static int iosm_flash_part(struct iosm_flash *flash, const struct iosm_image *image,
			   bool *erase_full)
{
	int ret = 0;

	if (iosm_modem_stage(flash->modem) != IOSM_STAGE_EBL) {
		iosm_flash_status(flash, "Invalid execution stage", NULL, 0, 0);
		NL_SET_ERR_MSG_MOD(flash->extack, "no EBL runs; flash an EBL file first");
		return -EBUSY;
	}
	if (*erase_full)
		ret = iosm_flash_erase_all(flash, erase_full);
	if (ret)
		return ret;
	if (image->region)
		return iosm_flash_region(flash, image);
	return iosm_flash_security_pack(flash, image);
}

/* Would the EBL take it? */
static int iosm_flash_check_part(const struct iosm_image *image, struct netlink_ext_ack *extack)
{
	u8 range[IOSM_EBL_RANGE_SIZE];
	int ret;

	if (image->region) {
		ret = iosm_ebl_erase_range(range, image->address, image->len);
		if (ret)
			NL_SET_ERR_MSG_MOD(extack, "the region has no place in flash memory");
		return ret;
	}
	if (image->len > iosm_ebl_request_max(IOSM_EBL_SECURITY_START)) {
		NL_SET_ERR_MSG_MOD(extack, "the security pack is too large");
		return -EFBIG;
	}
	return 0;
}

/**
 * iosm_flash_fls() - give a part of the firmware to the EBL
 * @flash: of the modem
 * @image: of type IOSM_IMAGE_FLS
 * @erase_full: erase the whole flash memory first; becomes false when the EBL is asked to,
 *	even if that fails
 * @progress: to be told of it, may be NULL
 * @extack: for words to the user, may be NULL
 *
 * Regions are not erased one by one in a session in which all was erased.
 *
 * Context: process, may sleep for a long time: three seconds for each element, and half a
 * minute for each erasure. Implements protocol.rst 7.5.6.
 * Return: 0; -EBUSY: no EBL runs; -EREMOTEIO: the EBL refused, or could not erase;
 * -ERANGE, -EFBIG: the image is none for the EBL; -ENOMEM; -ETIMEDOUT; -EINTR; -ENODEV: no
 * modem, or it left the loader; -EPROTO, -EBADE: wrong length of an answer, or one to
 * something else; -EIO: the loader failed.
 */
int iosm_flash_fls(struct iosm_flash *flash, const struct iosm_image *image, bool *erase_full,
		   struct iosm_flash_progress *progress, struct netlink_ext_ack *extack)
{
	int ret;

	ret = iosm_flash_check_part(image, extack);
	if (ret)
		return ret;
	ret = iosm_flash_want_loader(flash, extack);
	if (ret)
		return iosm_flash_wrong_stage(progress, ret);
	ret = iosm_flash_begin(flash, progress, extack);
	if (ret)
		return ret;
	ret = iosm_flash_part(flash, image, erase_full);
	iosm_flash_end(flash);
	return ret;
}
