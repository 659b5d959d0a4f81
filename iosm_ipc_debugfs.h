/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state of each modem as text, for people and tests.
 */
#ifndef IOSM_IPC_DEBUGFS_H
#define IOSM_IPC_DEBUGFS_H

struct dentry;
struct iosm_report;

void iosm_debugfs_init(void);
void iosm_debugfs_exit(void);
struct dentry *iosm_debugfs_create(struct iosm_report *report);
void iosm_debugfs_remove(struct dentry *dir);

#endif /* IOSM_IPC_DEBUGFS_H */
