/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers of the wire protocol, written from Documentation/protocol.rst. The
 * driver's headers are not used here on purpose: two independent readings find
 * what one hides. Sections in brackets.
 */
#ifndef IOSM_EMU_WIRE_H
#define IOSM_EMU_WIRE_H

#include <stdint.h>

/* Little-endian fields at any alignment. */
static inline uint16_t wire_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t wire_get24(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

static inline uint32_t wire_get32(const uint8_t *p)
{
	return wire_get24(p) | (uint32_t)p[3] << 24;
}

static inline uint64_t wire_get64(const uint8_t *p)
{
	return wire_get32(p) | (uint64_t)wire_get32(p + 4) << 32;
}

static inline void wire_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void wire_put32(uint8_t *p, uint32_t v)
{
	wire_put16(p, v & 0xffff);
	wire_put16(p + 2, v >> 16);
}

static inline void wire_put64(uint8_t *p, uint64_t v)
{
	wire_put32(p, (uint32_t)v);
	wire_put32(p + 4, (uint32_t)(v >> 32));
}

/* Doorbells [1.3] */
#define DOORBELL_HEAD		0x10
#define DOORBELL_STATE		0x30
#define DOORBELL_POWER		0x50

#define HEAD_CONTROL		0
#define HEAD_POSTPONED		1
#define HEAD_RESERVED		2
#define HEAD_PIPE		3
#define HEAD_DELAYED		4
#define HEAD_MUX_REFILL		5
#define HEAD_PORT_UL		6
#define HEAD_PORT_DL		7
#define HEAD_MUX_OPENED		8
#define HEAD_PORT_OPENED	9
#define HEAD_REASONS		10
#define HEAD_BOOT		0xfeedb007u

#define POWER_ACK_ACTIVE	0
#define POWER_ACK_SLEEP		1
#define POWER_WAKE		2
#define POWER_FORCE_SLEEP	7
#define POWER_FORCE_ACTIVE	8

/* Registers of BAR 2 [2.1] */
#define REG_STAGE		0x00
#define REG_CHIP_VERSION	0x04
#define REG_CHIP_LENGTH		0x05
#define REG_CHIP_END		0x40
#define REG_ROM_RESULT		0x40
#define REG_PSI_ADDR		0x54
#define REG_PSI_LEN		0x5c
#define REG_IPC_STATE		0x60
#define REG_CONTEXT		0x64
#define REG_WINDOW_LOW		0x6c
#define REG_WINDOW_HIGH		0x74
#define REG_FW_VERSION		0xf0
#define REG_FW_CAPS		0xf4
#define REG_END			0xf8

#define STAGE_BOOT		0xfeedb007u
#define STAGE_PSI		0xfeedbeefu
#define STAGE_EBL		0xfeedcafeu
#define STAGE_RUN		0x600df00du
#define STAGE_CRASH		0x8badf00du
#define STAGE_CD_READY		0xbadc0dedu

#define IPC_UNINIT		0
#define IPC_INIT		1
#define IPC_RUNNING		2

#define CHIP_LENGTH		58

/* Results of the boot ROM [2.4] */
#define ROM_DONE		0x01
#define ROM_REFUSED		0x02
#define ROM_CERTIFIED		0x10

#define CAP_UL_AGGREGATION	(1u << 8)
#define CAP_DL_AGGREGATION	(1u << 9)
#define CAP_UL_CREDITS		(1u << 21)

/* Context block [3.2] and status block [3.3] */
#define CONTEXT_SIZE		52
#define STATUS_SIZE		12

#define NOTIFY_ACTIVE		0
#define NOTIFY_SLEEP		1

/* Control ring [3.4] */
#define MESSAGE_SIZE		24
#define MESSAGE_TYPE		11
#define MESSAGE_STATUS		20

#define MESSAGE_OPEN		0x01
#define MESSAGE_CLOSE		0x02
#define MESSAGE_ABORT		0x03
#define MESSAGE_SLEEP		0x04
#define MESSAGE_FEATURES	0xf0

#define MESSAGE_SUCCESS		1
#define MESSAGE_ERROR		2

#define FEATURE_INBAND_CRASH	0x80

#define SLEEP_OF_HOST		0
#define SLEEP_OF_DEVICE		1

/* Pipes and transfer descriptors [3.5] */
#define WIRE_PIPES		24
#define TD_SIZE			16
#define TD_MAX_LENGTH		0xffffffu
#define TD_END			2
#define TD_ABORTED		4
#define TD_ERROR		5

/* MUX [5] */
#define SIG_ADGH		0x48474441u
#define SIG_ADBH		0x48424441u
#define SIG_ADTH		0x48544441u
#define SIG_QLTH		0x48544c51u
#define SIG_CMDH		0x48444d43u
#define SIG_ACBH		0x48424341u
#define SIG_FCTH		0x48544346u

#define MUX_SESSIONS		8
#define MUX_HEADER		16
#define MUX_QLTH_SIZE		20
#define MUX_FCTH_SIZE		20
#define MUX_BLOCK_MAX		16384
#define MUX_DL_PAD		16

enum mux_command {
	MUX_OPEN = 1,
	MUX_OPEN_RESPONSE = 2,
	MUX_CLOSE = 3,
	MUX_CLOSE_RESPONSE = 4,
};

/* These differ between the variants [5.6.3]. */
#define LITE_FLOW		5
#define LITE_FLOW_ACK		6
#define LITE_QUALITY		7
#define LITE_QUALITY_RESPONSE	8
#define AGGR_STOP		5
#define AGGR_RESUME		6
#define AGGR_FLOW_ACK		7
#define AGGR_QUALITY		8
#define AGGR_QUALITY_RESPONSE	9

/* Loaders [7.5.3] */
#define RPSI_SIZE		8
#define RPSI_LOAD_EBL		0x0002
#define RPSI_DUMP_LIST		0x0010
#define RPSI_DUMP_FILE		0x0011
#define RPSI_DUMP_END		0x0012
#define RPSI_DUMP_SIZE		0x1000
#define ACK_SIZE		2

/* EBL packets [7.5.4, 7.5.5] */
#define EBL_RECORD_SIZE		76
#define EBL_HEADER		8
#define EBL_ERROR		0x0041
#define EBL_CONFIGURE		0x0086
#define EBL_SECURITY_START	0x0204
#define EBL_SECURITY_END	0x0205
#define EBL_SET_ADDRESS		0x0802
#define EBL_ERASE_START		0x0805
#define EBL_ERASE_CHECK		0x0806
#define EBL_CONTROL		0x080c
#define EBL_CONTROL_READ	0x080e
#define EBL_RAW			0x080f

#define EBL_PAYLOAD_MAX		16384
#define EBL_CONFIGURE_MAX	2048
#define EBL_RAW_MAX		(1u << 20)
#define EBL_ERASE_MAX		0x80000000u

#define EBL_ACTION_READ		2
#define EBL_ACTION_ERASE	3
#define EBL_TYPE_FLASH		8
#define EBL_TYPE_SWID		16

/* Core dump [7.6] */
#define DUMP_CHUNK		65536

#endif /* IOSM_EMU_WIRE_H */
