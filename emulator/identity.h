/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who the modem says that it is, on every channel that asks.
 */
#ifndef IOSM_EMU_IDENTITY_H
#define IOSM_EMU_IDENTITY_H

#define IDENTITY_MANUFACTURER	"IOSM Project"
#define IDENTITY_MODEL		"XMM7560 (software modem)"
#define IDENTITY_FIRMWARE	"IOSM-EMU_7560_1.0"
#define IDENTITY_IMEI		"004999010640000"

#endif /* IOSM_EMU_IDENTITY_H */
