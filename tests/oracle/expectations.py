# SPDX-License-Identifier: GPL-2.0
"""What the kernel tree's own driver is known to fail, and why.

Used with DRIVER=stock only. Each row: a pattern of test ids (fnmatch, without the directory), the place in protocol.rst
that explains the failure, and the explanation in a few words. A failure without a row is unexplained, and either the
emulator or our reading of the protocol is wrong; a test that passes in spite of its row is reported, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Row:
    """One explanation."""

    tests: str
    reason: str
    why: str
    run: bool = True		# false: the failure takes the guest or minutes with it


Q38 = "in Aggregation, uplink data of sessions whose number is not below the count of open ones is lost"
Q40 = "the MTU may be larger than a block"
ANY_LENGTH = "a write of any length is one TD"
NO_TEXT = "links are refused without a reason in words"
NO_OFFLOADS = "it takes single packets in one piece, with their checksums"
NO_QUEUE_LIMITS = "it has no byte queue limits, which say here what is on its way"
NO_ETHTOOL = "it has no operations for ethtool"
NO_TRACE = "it has no tracepoints"
Q76 = "removal with a link up uses the freed multiplexer"
NO_TRACE_OF_STATE = "it has no tracepoints, and no recovery from a crash, a reset or a silent modem without unbinding"
NO_STATE = "its state cannot be seen, and its handshake cannot be chosen without ACPI"
NO_WORDS = "devlink gets an error number, no words"
NO_WAY_OUT = "a write to a loader has no time-out, a signal leaves its buffer behind, and nothing but unbinding ends a session"
ONLY_ROM = "it has devlink only if the modem was in its boot ROM when it was found, and until the firmware runs"
NO_LOG_STATE = "what became of its log cannot be seen, and its files go with the session"
Q37 = "a stop of any session stops link 0, and only link 0 is woken"

ROWS: tuple[Row, ...] = (
    Row("test_at.py::test_long_writes_are_cut[2049]", "8.2", ANY_LENGTH),
    Row("test_at.py::test_long_writes_are_cut[10000]", "8.2", ANY_LENGTH),
    Row("test_at.py::test_long_writes_are_cut[100001]", "8.2", ANY_LENGTH),
    Row("test_mbim.py::test_message_sizes", "8.2", ANY_LENGTH),
    Row("test_mbim.py::test_write_of_nothing", "8.2", ANY_LENGTH),
    Row("test_rpc.py::test_too_large", "8.2", ANY_LENGTH),
    Row("test_mbim.py::test_lazy_reader_costs_bounded_memory", "Q80", "no bound on what waits for a reader"),
    Row("test_mbim.py::test_writers_wait_for_the_modem", "Q80", "no bound on what waits for the modem"),
    Row("test_mbim.py::test_connected_session_carries_packets", "Q38", Q38),
    Row("test_links.py::test_wrong_ids*", "8.4", NO_TEXT),
    Row("test_links.py::test_busy_id_has_a_reason", "8.4", NO_TEXT),
    Row("test_links.py::test_mtu_limits*", "Q40b", Q40),
    Row("test_links.py::test_up_and_down[aggr]", "Q38", Q38),
    Row("test_links.py::test_delete_while_up[aggr]", "Q38", Q38),
    Row("test_links.py::test_any_subset[aggr-(7,)]", "Q38", Q38),
    Row("test_links.py::test_any_subset[aggr-(2, 5)]", "Q38", Q38),
    Row("test_links.py::test_any_subset[aggr-(1, 3, 4, 6)]", "Q38", Q38),
    Row("test_links.py::test_moved_link_comes_back", "Q38", Q38),
    Row("test_ping.py::test_from_the_network[aggr-?]", "Q38", Q38),
    Row("test_ping.py::test_largest_mtu[lite-?]", "Q40a", Q40),
    Row("test_ping.py::test_largest_mtu[aggr-?]", "Q40b", Q40),
    Row("test_tcp.py::test_four_links_at_once[aggr]", "Q38", Q38),
    Row("test_udp.py::test_bursts[aggr]", "Q38", Q38),
    Row("test_udp.py::test_sizes_up_to_the_largest_mtu[lite]", "Q40a", Q40),
    Row("test_udp.py::test_sizes_up_to_the_largest_mtu[aggr]", "Q40b", Q40),
    Row("test_flow.py::test_link_quality_is_answered[aggr]", "Q44", "link-quality reports are not answered in Aggregation"),
    Row("test_flow.py::test_one_session_stops*", "Q37", "a stop of any session stops link 0"),
    Row("test_gso.py::test_features*", "8.4", NO_OFFLOADS),
    Row("test_gso.py::test_super_packets_reach_the_driver*", "8.4", NO_OFFLOADS),
    Row("test_gso.py::test_other_mtus[lite-9001]", "Q40a", Q40),
    Row("test_gso.py::test_several_links[aggr]", "Q38", Q38),
    Row("test_lengths.py::test_pieces*", "8.4", NO_OFFLOADS),
    Row("test_wrap.py::test_odd_bursts[aggr]", "Q38", Q38),
    Row("test_wrap.py::test_block_sequence", "Q40b", Q40),
    Row("test_sparse.py::*[aggr*", "Q38", Q38),
    Row("test_flow_load.py::test_stop_under_load[aggr]", "Q38", Q38),
    Row("test_flow_load.py::test_all_but_one_are_stopped[aggr]", "Q38", Q38),
    Row("test_flow_load.py::test_super_packet_meets_a_stop[aggr]", "Q38", Q38),
    Row("test_flow_load.py::test_threshold*", "8.4", NO_QUEUE_LIMITS),
    Row("test_flow_load.py::test_hold_under_streams[aggr]", "Q38", Q38),
    Row("test_flow_load.py::test_credits_are_used_exactly", "Q37", Q37),
    Row("test_flow_load.py::test_credits_that_do_not_come", "8.4", NO_QUEUE_LIMITS),
    Row("test_fairness.py::*", "Q84", "a pass over the links begins with link 0 each time and counts packets"),
    Row("test_accounting.py::test_mixed_traffic*", "8.4", NO_ETHTOOL),
    Row("test_accounting.py::test_stream_counts[aggr*", "Q38", Q38),
    Row("test_accounting.py::test_link_that_goes_down*", "Q87", "what was not sent is sent when the next session opens"),
    Row("test_ethtool.py::*", "8.4", NO_ETHTOOL),
    Row("test_tracing.py::*", "8.4", NO_TRACE),
    Row("test_memory.py::*", "8.4", NO_ETHTOOL, run=False),
    Row("test_soak.py::*", "Q37", Q37, run=False),
    Row("test_reload.py::test_with_links_up*", "Q76", Q76),
    Row("test_reload.py::test_bind_and_unbind*", "Q76", Q76),
    Row("test_reload.py::test_link_in_another_namespace", "Q76", Q76),
    Row("test_reload.py::test_device_removed_and_found_again", "Q76", Q76),
    Row("test_reload.py::test_hundred_times*", "Q76", Q76, run=False),
    Row("test_removal.py::*", "Q76", Q76, run=False),
    Row("test_reset.py::*", "8.10", "it does not know that it was reset", run=False),
    Row("test_crash.py::*", "7.3", NO_TRACE_OF_STATE, run=False),
    Row("test_recovery.py::*", "Q17", NO_TRACE_OF_STATE, run=False),
    Row("test_suspend.py::*", "Q61", NO_STATE, run=False),
    Row("test_hibernate.py::*", "8.1", NO_STATE, run=False),
    Row("test_runtime_pm.py::*", "1.7.1", "it has no runtime PM", run=False),
    Row("test_devlink.py::*", "8.5", "it has devlink only if the modem is in its boot ROM", run=False),
    Row("test_boot.py::test_waits_for_a_loader", "0.4.6", "it ends an IPC session that it never had, if the link is active"),
    Row("test_boot.py::test_loaders_of_its_own", "8.5", NO_STATE, run=False),
    Row("test_boot.py::test_found_there*", "8.5", ONLY_ROM, run=False),
    Row("test_boot.py::test_two_modems", "Q76", Q76, run=False),
    Row("test_flash.py::test_again_and_again", "8.10", "it does not know that it was reset", run=False),
    Row("test_flash.py::test_modem_that_runs", "8.5", ONLY_ROM),
    Row("test_flash.py::test_wrong_order*", "Q63", NO_WORDS),
    Row("test_flash.py::test_wrong_file[magic]", "Q63", NO_WORDS),
    Row("test_flash.py::test_wrong_file[h*]", "Q63", NO_WORDS),
    Row("test_flash.py::test_wrong_file[type]", "Q63", NO_WORDS),
    Row("test_flash.py::test_bad_psi", "Q63", NO_WORDS),
    Row("test_flash.py::test_bad_ebl", "Q63", NO_WORDS),
    Row("test_flash.py::test_notifications", "7.9", "it does not say how far it is"),
    Row("test_flash.py::test_driver_reloaded*", "8.5", ONLY_ROM, run=False),
    Row("test_flash.py::test_unbind*", "Q64", NO_WAY_OUT, run=False),
    Row("test_flash.py::test_reset*", "Q64", NO_WAY_OUT, run=False),
    Row("test_flash.py::test_pulled_out*", "Q64", NO_WAY_OUT, run=False),
    Row("test_flash.py::test_suspend", "Q64", NO_WAY_OUT, run=False),
    Row("test_flash_faults.py::test_harmless", "7.4", "what comes unasked is taken for the next answer"),
    Row("test_flash_faults.py::*", "Q64", NO_WAY_OUT, run=False),
    Row("test_coredump.py::test_dumped_and_recovered", "8.5", ONLY_ROM, run=False),
    Row("test_coredump.py::test_taken_by_the_reporter", "8.5", ONLY_ROM, run=False),
    Row("test_coredump.py::test_in_any_order", "8.5", ONLY_ROM, run=False),
    Row("test_coredump.py::test_no_dump", "8.5", ONLY_ROM, run=False),
    Row("test_coredump.py::test_bad_list*", "8.5", ONLY_ROM, run=False),
    Row("test_coredump.py::test_bad_file*", "8.5", ONLY_ROM, run=False),
    Row("test_coredump.py::test_interrupted*", "8.5", ONLY_ROM, run=False),
    Row("test_coredump.py::test_largest", "8.5", ONLY_ROM, run=False),
    Row("test_coredump.py::test_flashed_without_a_look", "8.5", ONLY_ROM, run=False),
    Row("test_coredump.py::test_fewer_files", "8.5", ONLY_ROM, run=False),
    Row("test_coredump.py::test_as_documented", "8.5", ONLY_ROM, run=False),
    Row("test_coredump.py::test_old_snapshot_is_kept", "8.5", ONLY_ROM, run=False),
    Row("test_coredump.py::test_other_device", "8.5", ONLY_ROM, run=False),
    Row("test_coredump.py::test_interrupted_list", "8.5", ONLY_ROM, run=False),
    Row("test_coredump.py::test_end_without_an_answer*", "8.5", ONLY_ROM, run=False),
    Row("test_coredump.py::test_harmless", "8.5", ONLY_ROM, run=False),
    Row("test_devlink_info.py::*", "8.5", ONLY_ROM, run=False),
    Row("test_trace.py::*", "8.7", NO_LOG_STATE, run=False),
    Row("test_pci_errors.py::*", "8.10", "it has no handlers for errors of the bus", run=False),
)


def explanation(name: str) -> Row | None:
    """The row of a test, if it has one."""
    # Parameters are in brackets, which mean something else to fnmatch.
    plain = name.replace("[", "(").replace("]", ")")
    return next((row for row in ROWS if fnmatchcase(plain, row.tests.replace("[", "(").replace("]", ")"))), None)
