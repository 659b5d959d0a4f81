/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints at the edges of the layers, system "iosm".
 *
 * Readers: the files that contain the edges.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iosm

#if !defined(IOSM_IPC_EVENTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define IOSM_IPC_EVENTS_H

#include <linux/device.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#define IOSM_EVENT_DEVICE	16	/* bytes of a device name, "0000:00:00.0" */
#define IOSM_EVENT_STATE	24	/* bytes of a state name */

/* The modem's state moved. */
TRACE_EVENT(iosm_state,
	    TP_PROTO(const struct device *dev, const char *from, const char *to),
	    TP_ARGS(dev, from, to),
	    TP_STRUCT__entry(__array(char, device, IOSM_EVENT_DEVICE)
			     __array(char, from, IOSM_EVENT_STATE)
			     __array(char, to, IOSM_EVENT_STATE)
	    ),
	    TP_fast_assign(strscpy(__entry->device, dev_name(dev), IOSM_EVENT_DEVICE);
			   strscpy(__entry->from, from, IOSM_EVENT_STATE);
			   strscpy(__entry->to, to, IOSM_EVENT_STATE);
	    ),
	    TP_printk("%s: %s -> %s", __entry->device, __entry->from, __entry->to));

/* The modem raised its interrupt. */
TRACE_EVENT(iosm_interrupt,
	    TP_PROTO(const struct device *dev),
	    TP_ARGS(dev),
	    TP_STRUCT__entry(__array(char, device, IOSM_EVENT_DEVICE)),
	    TP_fast_assign(strscpy(__entry->device, dev_name(dev), IOSM_EVENT_DEVICE);
	    ),
	    TP_printk("%s", __entry->device));

/* We rang: number of the doorbell and the value written (protocol.rst 2.1). */
TRACE_EVENT(iosm_doorbell,
	    TP_PROTO(const struct device *dev, unsigned int number, u32 value),
	    TP_ARGS(dev, number, value),
	    TP_STRUCT__entry(__array(char, device, IOSM_EVENT_DEVICE)
			     __field(unsigned int, number)
			     __field(u32, value)
	    ),
	    TP_fast_assign(strscpy(__entry->device, dev_name(dev), IOSM_EVENT_DEVICE);
			   __entry->number = number;
			   __entry->value = value;
	    ),
	    TP_printk("%s: doorbell %u value %u", __entry->device, __entry->number,
		      __entry->value));

/* A transfer descriptor was filled. */
TRACE_EVENT(iosm_td_post,
	    TP_PROTO(const struct device *dev, unsigned int pipe, unsigned int index, u32 len),
	    TP_ARGS(dev, pipe, index, len),
	    TP_STRUCT__entry(__array(char, device, IOSM_EVENT_DEVICE)
			     __field(unsigned int, pipe)
			     __field(unsigned int, index)
			     __field(u32, len)
	    ),
	    TP_fast_assign(strscpy(__entry->device, dev_name(dev), IOSM_EVENT_DEVICE);
			   __entry->pipe = pipe;
			   __entry->index = index;
			   __entry->len = len;
	    ),
	    TP_printk("%s: pipe %u td %u len %u", __entry->device, __entry->pipe,
		      __entry->index, __entry->len));

/* A completed transfer descriptor was taken back; error is 0 or a negative errno. */
TRACE_EVENT(iosm_td_done,
	    TP_PROTO(const struct device *dev, unsigned int pipe, unsigned int index, u32 size,
		     int error),
	    TP_ARGS(dev, pipe, index, size, error),
	    TP_STRUCT__entry(__array(char, device, IOSM_EVENT_DEVICE)
			     __field(unsigned int, pipe)
			     __field(unsigned int, index)
			     __field(u32, size)
			     __field(int, error)
	    ),
	    TP_fast_assign(strscpy(__entry->device, dev_name(dev), IOSM_EVENT_DEVICE);
			   __entry->pipe = pipe;
			   __entry->index = index;
			   __entry->size = size;
			   __entry->error = error;
	    ),
	    TP_printk("%s: pipe %u td %u size %u error %d", __entry->device, __entry->pipe,
		      __entry->index, __entry->size, __entry->error));

/* A command of the modem was decoded: number of enum iosm_mux_command_kind. */
TRACE_EVENT(iosm_mux_command,
	    TP_PROTO(const struct device *dev, unsigned int kind, unsigned int session, u32 tid),
	    TP_ARGS(dev, kind, session, tid),
	    TP_STRUCT__entry(__array(char, device, IOSM_EVENT_DEVICE)
			     __field(unsigned int, kind)
			     __field(unsigned int, session)
			     __field(u32, tid)
	    ),
	    TP_fast_assign(strscpy(__entry->device, dev_name(dev), IOSM_EVENT_DEVICE);
			   __entry->kind = kind;
			   __entry->session = session;
			   __entry->tid = tid;
	    ),
	    TP_printk("%s: kind %u session %u tid %u", __entry->device, __entry->kind,
		      __entry->session, __entry->tid));

/* A data transfer: blocks, or single datagrams. */
TRACE_EVENT(iosm_mux_transfer,
	    TP_PROTO(const struct device *dev, bool uplink, unsigned int datagrams, u32 bytes),
	    TP_ARGS(dev, uplink, datagrams, bytes),
	    TP_STRUCT__entry(__array(char, device, IOSM_EVENT_DEVICE)
			     __field(bool, uplink)
			     __field(unsigned int, datagrams)
			     __field(u32, bytes)
	    ),
	    TP_fast_assign(strscpy(__entry->device, dev_name(dev), IOSM_EVENT_DEVICE);
			   __entry->uplink = uplink;
			   __entry->datagrams = datagrams;
			   __entry->bytes = bytes;
	    ),
	    TP_printk("%s: %s datagrams %u bytes %u", __entry->device,
		      __entry->uplink ? "uplink" : "downlink", __entry->datagrams,
		      __entry->bytes));

#endif /* IOSM_IPC_EVENTS_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE iosm_ipc_events
#include <trace/define_trace.h>
