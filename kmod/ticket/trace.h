/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoint mikey_ticket:mikey_refused. It carries what the multicast group
 * carries: no identity, no content of a message.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mikey_ticket

#if !defined(MIKEY_TICKET_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define MIKEY_TICKET_TRACE_H

#include <linux/string.h>
#include <linux/tracepoint.h>

#define MIKEY_TRACE_REASON 96

TRACE_EVENT(mikey_refused,
	    TP_PROTO(u32 uid, int error, const char *reason),
	    TP_ARGS(uid, error, reason),
	    TP_STRUCT__entry(__field(u32, uid)
			     __field(int, error)
			     __array(char, reason, MIKEY_TRACE_REASON)
	    ),
	    TP_fast_assign(__entry->uid = uid;
			   __entry->error = error;
			   strscpy(__entry->reason, reason, MIKEY_TRACE_REASON);
	    ),
	    TP_printk("uid=%u error=%d reason=\"%s\"", __entry->uid,
		      __entry->error, __entry->reason)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
