/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Facts of the hardware: registers, doorbells and everything that lies in
 * memory shared with the modem. No code. All values are little-endian.
 */
#ifndef IOSM_IPC_HW_H
#define IOSM_IPC_HW_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

#define IOSM_PCI_VENDOR_INTEL	0x8086
#define IOSM_PCI_DEVICE_7360	0x7360
#define IOSM_PCI_DEVICE_7560	0x7560

/* BAR 0: doorbells, 32-bit writes only (protocol.rst 1.3) */
#define IOSM_DOORBELL_BAR	0
#define IOSM_DOORBELL_BAR_MIN	0x54
#define IOSM_DOORBELL(n)	(0x10 + (n) * 0x20)

enum iosm_doorbell {
	IOSM_DB_HEAD = 0,	/* a head index in shared memory moved */
	IOSM_DB_STATE = 1,	/* change the IPC state */
	IOSM_DB_POWER = 2,	/* power handshake */
};

/* Why IOSM_DB_HEAD rings (protocol.rst 1.3.1); the modem treats all alike. */
enum iosm_head_reason {
	IOSM_HEAD_CONTROL = 0x00,	/* control ring */
	IOSM_HEAD_POSTPONED = 0x01,	/* was held back while the link slept */
	IOSM_HEAD_MUX_URGENT = 0x03,	/* session command */
	IOSM_HEAD_MUX_UL = 0x04,	/* uplink data */
	IOSM_HEAD_MUX_DL = 0x05,	/* downlink buffers of a starving MUX */
	IOSM_HEAD_UL = 0x06,		/* uplink on a control pipe */
	IOSM_HEAD_DL = 0x07,		/* downlink buffers, control pipe */
	IOSM_HEAD_MUX_OPEN = 0x08,	/* first downlink buffers, MUX */
	IOSM_HEAD_OPEN = 0x09,		/* first downlink buffers, others */
	IOSM_HEAD_LOAD = 0xfeedb007,	/* boot ROM: fetch a loader */
};

/* IOSM_DB_POWER values (protocol.rst 1.3.3) */
enum iosm_power_request {
	IOSM_POWER_ACTIVE_ACK = 0,
	IOSM_POWER_SLEEP_ACK = 1,
	IOSM_POWER_WAKE = 2,
	IOSM_POWER_FORCE_SLEEP = 7,
	IOSM_POWER_FORCE_ACTIVE = 8,
};

/* BAR 2: IPC registers (protocol.rst 2.1) */
#define IOSM_REG_BAR		2
#define IOSM_REG_BAR_MIN	0xf8

#define IOSM_REG_STAGE		0x00
#define IOSM_REG_CHIP_VERSION	0x04	/* 8 bits */
#define IOSM_REG_CHIP_LENGTH	0x05	/* 8 bits */
#define IOSM_REG_ROM_RESULT	0x40
#define IOSM_REG_PSI_ADDR	0x54	/* 64 bits, write two halves */
#define IOSM_REG_PSI_LEN	0x5c
#define IOSM_REG_IPC_STATE	0x60
#define IOSM_REG_CONTEXT	0x64	/* 64 bits, write two halves */
#define IOSM_REG_WINDOW_LOW	0x6c	/* 64 bits, write two halves */
#define IOSM_REG_WINDOW_HIGH	0x74	/* 64 bits, write two halves */
#define IOSM_REG_FW_VERSION	0xf0
#define IOSM_REG_FW_CAPS	0xf4

/* Bytes of chip information that follow the length byte. */
#define IOSM_CHIP_LENGTH	58

/* What a register of an absent device reads. */
#define IOSM_ALL_ONES		0xffffffffU

/* Execution stages (protocol.rst 2.2) */
#define IOSM_STAGE_BOOT		0xfeedb007U
#define IOSM_STAGE_PSI		0xfeedbeefU
#define IOSM_STAGE_EBL		0xfeedcafeU
#define IOSM_STAGE_RUN		0x600df00dU
#define IOSM_STAGE_CRASH	0x8badf00dU
#define IOSM_STAGE_CD_READY	0xbadc0dedU

/* IPC states, register and status block; also the values of IOSM_DB_STATE */
enum iosm_ipc_state {
	IOSM_IPC_UNINIT = 0,
	IOSM_IPC_INIT = 1,
	IOSM_IPC_RUNNING = 2,
	IOSM_IPC_RECOVERY = 3,
	IOSM_IPC_ERROR = 4,
};

/* Firmware version and capabilities (protocol.rst 2.3) */
#define IOSM_FW_VERSION_CAPS	0x100	/* from here on the bits are valid */
#define IOSM_FW_CAP_UL_AGGR	BIT(8)
#define IOSM_FW_CAP_DL_AGGR	BIT(9)
#define IOSM_FW_CAP_UL_CREDITS	BIT(21)

/* Status block, written by the modem (protocol.rst 3.3) */
struct iosm_status_block {
	__le32 stage;
	__le32 ipc_state;
	__le32 sleep;		/* enum iosm_sleep_notification */
};

static_assert(sizeof(struct iosm_status_block) == 12);

enum iosm_sleep_notification {
	IOSM_NOTIFY_ACTIVE = 0,
	IOSM_NOTIFY_SLEEP = 1,
};

/* Context block, written by the host once (protocol.rst 3.2) */
struct iosm_context_block {
	__le64 status_addr;
	__le64 head_array_addr;		/* u32 per pipe */
	__le64 tail_array_addr;		/* u32 per pipe */
	__le64 control_head_addr;
	__le64 control_tail_addr;
	__le64 control_ring_addr;
	__le16 control_entries;
	u8 control_vector;
	u8 status_vector;
} __packed;

static_assert(sizeof(struct iosm_context_block) == 52);

/* Control ring (protocol.rst 3.4) */
#define IOSM_CONTROL_ENTRIES	128

enum iosm_control_type {
	IOSM_CONTROL_OPEN = 0x01,
	IOSM_CONTROL_CLOSE = 0x02,
	IOSM_CONTROL_ABORT = 0x03,
	IOSM_CONTROL_SLEEP = 0x04,
	IOSM_CONTROL_FEATURES = 0xf0,
};

enum iosm_control_status {
	IOSM_CONTROL_PENDING = 0,
	IOSM_CONTROL_SUCCESS = 1,
	IOSM_CONTROL_ERROR = 2,
};

/**
 * struct iosm_control_entry - one request to the modem
 * @addr: OPEN: bus address of the TD ring
 * @entries: OPEN: number of TDs; SLEEP: target in the low, state in the high
 *	byte
 * @arg: OPEN, CLOSE, ABORT: pipe number; FEATURES: flags
 * @type: enum iosm_control_type
 * @vector: OPEN: MSI vector of the pipe
 * @backoff: OPEN: accumulation back-off in microseconds
 * @status: enum iosm_control_status, written by the modem
 */
struct iosm_control_entry {
	__le64 addr;
	__le16 entries;
	u8 arg;
	u8 type;
	__le32 vector;
	__le32 backoff;
	__le32 status;
};

static_assert(sizeof(struct iosm_control_entry) == 24);
static_assert(offsetof(struct iosm_control_entry, type) == 11);
static_assert(offsetof(struct iosm_control_entry, status) == 20);

/* The two bytes of a SLEEP request as the 16-bit word at offset 8 */
#define IOSM_SLEEP_TARGET	GENMASK(7, 0)
#define IOSM_SLEEP_STATE	GENMASK(15, 8)

enum iosm_sleep_target {
	IOSM_SLEEP_HOST = 0,
	IOSM_SLEEP_DEVICE = 1,
};

#define IOSM_SLEEP_ENTER	0
#define IOSM_SLEEP_EXIT		1

#define IOSM_FEATURE_INBAND_CRASH	BIT(7)

/* Transfer descriptor (protocol.rst 3.5.1) */
struct iosm_td {
	__le64 addr;
	__le32 size_status;	/* IOSM_TD_SIZE, IOSM_TD_STATUS */
	__le32 chain;		/* always 0 */
};

static_assert(sizeof(struct iosm_td) == 16);

#define IOSM_TD_SIZE	GENMASK(23, 0)
#define IOSM_TD_STATUS	GENMASK(31, 24)

enum iosm_td_status {
	IOSM_TD_UNUSED = 0,
	IOSM_TD_PARTIAL = 1,
	IOSM_TD_END = 2,
	IOSM_TD_OVERFLOW = 3,
	IOSM_TD_ABORTED = 4,
	IOSM_TD_FAILED = 5,
};

/* Elements of the head and tail arrays; only pipes 0 to 13 are ever opened. */
#define IOSM_PIPE_ARRAY		24
#define IOSM_PIPES		14

/**
 * struct iosm_shared - the one coherent block that the modem and we share
 * @context: root record, read by the modem when the IPC session starts
 * @reserved: never used; keeps the status block 8-byte aligned
 * @status: written by the modem
 * @reserved2: a modem that writes 16 instead of 12 bytes of status hits this
 * @control_head: next control entry that we fill
 * @control_tail: next control entry that the modem completes
 * @heads: per pipe, next TD that we fill
 * @tails: per pipe, next TD that the modem completes
 * @control: the control ring
 *
 * The modem finds each part by its address in @context, so the order is ours.
 * The parts that only we write are kept away from those that the modem writes.
 */
struct iosm_shared {
	struct iosm_context_block context;
	u8 reserved[12];
	struct iosm_status_block status;
	__le32 reserved2;
	__le32 control_head;
	__le32 heads[IOSM_PIPE_ARRAY];
	__le32 control_tail;
	__le32 tails[IOSM_PIPE_ARRAY];
	struct iosm_control_entry control[IOSM_CONTROL_ENTRIES] __aligned(8);
};

static_assert(offsetof(struct iosm_shared, status) == 64);

#endif /* IOSM_IPC_HW_H */
