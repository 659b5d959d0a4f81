/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log of the modem's firmware, for tools that can read it.
 *
 * Readers: iosm_ipc_pcie.c, which makes it, iosm_ipc_debugfs.c, which shows its files,
 * iosm_ipc_report.c, which shows its counters, and the KUnit suite iosm_trace.
 */
#ifndef IOSM_IPC_TRACE_H
#define IOSM_IPC_TRACE_H

#include <linux/kconfig.h>
#include <linux/types.h>

struct dentry;
struct iosm_modem;
struct iosm_trace;

/**
 * struct iosm_trace_stats - what became of the log so far
 * @on: user space asked for it
 * @units: units that were put into the buffer
 * @bytes: bytes of them
 * @lost: units that were dropped because the buffer was full
 * @bad: units that were dropped because the modem made a mistake
 */
struct iosm_trace_stats {
	bool on;
	u64 units;
	u64 bytes;
	u64 lost;
	u64 bad;
};

/* A kernel that does not know our Kconfig may have the one without the other. */
#define IOSM_HAS_TRACE	(IS_ENABLED(CONFIG_WWAN_DEBUGFS) && IS_ENABLED(CONFIG_RELAY))

#if IOSM_HAS_TRACE

struct iosm_trace *iosm_trace_create(struct iosm_modem *modem);
void iosm_trace_destroy(struct iosm_trace *trace);
void iosm_trace_add_files(struct iosm_trace *trace, struct dentry *dir);
bool iosm_trace_get_stats(const struct iosm_trace *trace, struct iosm_trace_stats *stats);

#else

static inline struct iosm_trace *iosm_trace_create(struct iosm_modem *modem)
{
	return NULL;
}

static inline void iosm_trace_destroy(struct iosm_trace *trace)
{
}

static inline void iosm_trace_add_files(struct iosm_trace *trace, struct dentry *dir)
{
}

static inline bool iosm_trace_get_stats(const struct iosm_trace *trace,
					struct iosm_trace_stats *stats)
{
	return false;
}

#endif

#endif /* IOSM_IPC_TRACE_H */
