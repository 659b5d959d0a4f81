// SPDX-License-Identifier: GPL-2.0-only
/*
 * A modem in miniature, see iosm_kunit_bus.h. Offsets and numbers are taken from
 * protocol.rst, not from the driver's headers.
 */

#include "iosm_kunit_bus.h"

#include <kunit/device.h>
#include <linux/delay.h>
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/ktime.h>
#include <linux/pm_runtime.h>
#include <linux/unaligned.h>

/* protocol.rst 2.1 */
#define REG_STAGE		0x00
#define REG_ROM_RESULT		0x40
#define REG_IPC_STATE		0x60
#define REG_CONTEXT		0x64
#define REG_WINDOWS		0x6c
#define REG_WINDOWS_END		0x7c
#define REG_PSI			0x54
#define REG_PSI_LEN		0x5c
#define REG_FW_VERSION		0xf0
#define STAGE_BOOT		0xfeedb007
#define STAGE_PSI		0xfeedbeef
#define STAGE_EBL		0xfeedcafe
#define STAGE_RUN		0x600df00d
#define STAGE_CRASH		0x8badf00d
#define ALL_ONES		0xffffffff

/* protocol.rst 3.2 */
#define CONTEXT_SIZE		52
#define RING_ENTRIES		128
#define ENTRY_SIZE		24
#define ENTRY_STATUS		20

/* protocol.rst 3.4.2 */
#define TYPE_OPEN		0x01
#define TYPE_CLOSE		0x02
#define TYPE_SLEEP		0x04
#define TYPE_FEATURES		0xf0

/* After DB2=7 it ends what it does, nanoseconds. */
#define FORCED_GRACE		(5 * NSEC_PER_MSEC)

/* protocol.rst 3.5.1 */
#define TD_BYTES		16
#define TD_WORD			8
#define TD_SIZE_MASK		0xffffff
#define TD_END			2

#define PIPES_USED		14

static __printf(2, 3) void fake_fault(struct iosm_fake *fake, const char *fmt,
				      ...)
{
	va_list args;

	if (fake->fault_count++)
		return;
	va_start(args, fmt);
	vscnprintf(fake->fault, sizeof(fake->fault), fmt, args);
	va_end(args);
}

/* ---- Memory of the host ---- */

static u8 *fake_mem(struct iosm_fake *fake, u64 addr, size_t len)
{
	phys_addr_t phys;

	if (!fake->dma || fake->absent)
		return NULL;
	phys = dma_to_phys(fake->bus.dev, addr);
	if (!addr || !pfn_valid(PHYS_PFN(phys)) ||
	    !pfn_valid(PHYS_PFN(phys + len - 1))) {
		fake_fault(fake, "%llx is no memory (3.1)", addr);
		return NULL;
	}
	return phys_to_virt(phys);
}

static bool fake_load(struct iosm_fake *fake, u64 addr, u32 *value)
{
	__le32 *word = (__le32 *)fake_mem(fake, addr, sizeof(*word));

	if (!word)
		return false;
	*value = le32_to_cpu(READ_ONCE(*word));
	return true;
}

static bool fake_store(struct iosm_fake *fake, u64 addr, u32 value)
{
	__le32 *word = (__le32 *)fake_mem(fake, addr, sizeof(*word));

	if (!word)
		return false;
	WRITE_ONCE(*word, cpu_to_le32(value));
	return true;
}

/**
 * iosm_fake_memory() - find host memory by its bus address
 * @fake: the modem
 * @addr: bus address
 * @len: bytes
 *
 * Return: the memory, or NULL without bus mastering.
 */
void *iosm_fake_memory(struct iosm_fake *fake, u64 addr, size_t len)
{
	return fake_mem(fake, addr, len);
}

/* ---- Interrupt ---- */

/* A poll that takes long, on this CPU or another, is finished elsewhere. */
static void fake_await_poll(struct iosm_modem *modem)
{
	unsigned long end = jiffies + HZ;

	while (test_bit(NAPI_STATE_SCHED, &modem->napi.state) &&
	       time_before(jiffies, end))
		usleep_range(50, 100);
}

/**
 * iosm_fake_interrupt() - raise the interrupt
 * @fake: the modem
 *
 * An interrupt is a memory write, so there is none without bus mastering, and none
 * while the host sleeps. Unless softirqs are off, the poll is over after the return.
 */
void iosm_fake_interrupt(struct iosm_fake *fake)
{
	unsigned long flags;

	if (fake->host_asleep) {
		fake->withheld++;
		return;
	}
	fake->interrupts++;
	if (fake->mute || fake->absent || !fake->dma)
		return;

	local_bh_disable();
	local_irq_save(flags);
	if (fake->modem)
		iosm_modem_interrupt(fake->modem);
	else if (fake->on_interrupt)
		fake->on_interrupt(fake);
	local_irq_restore(flags);
	local_bh_enable();

	if (fake->modem && !in_softirq() && !irqs_disabled())
		fake_await_poll(fake->modem);
}

/* ---- Registers ---- */

/**
 * iosm_fake_set_reg() - change a register
 * @fake: the modem
 * @offset: in BAR 2
 * @value: new value
 */
void iosm_fake_set_reg(struct iosm_fake *fake, u32 offset, u32 value)
{
	WRITE_ONCE(fake->regs[offset / 4], value);
}

/**
 * iosm_fake_reg() - look at a register, without counting it as a read
 * @fake: the modem
 * @offset: in BAR 2
 *
 * Return: its value.
 */
u32 iosm_fake_reg(struct iosm_fake *fake, u32 offset)
{
	return READ_ONCE(fake->regs[offset / 4]);
}

/**
 * iosm_fake_set_stage() - change the stage register
 * @fake: the modem
 * @stage: new value
 */
void iosm_fake_set_stage(struct iosm_fake *fake, u32 stage)
{
	iosm_fake_set_reg(fake, REG_STAGE, stage);
}

static struct iosm_fake *to_fake(struct iosm_bus *bus)
{
	return container_of(bus, struct iosm_fake, bus);
}

static u32 fake_read32(struct iosm_bus *bus, u32 offset)
{
	struct iosm_fake *fake = to_fake(bus);
	u32 value;

	if (offset % 4 || offset / 4 >= IOSM_FAKE_REGS) {
		fake_fault(fake, "register %x read (2.1)", offset);
		return ALL_ONES;
	}
	fake->reads[offset / 4]++;
	if (fake->d3)
		fake_fault(fake, "register %x read in D3 (1.7)", offset);
	if (offset == REG_STAGE)
		fake->unread = false;
	value = fake->absent ? ALL_ONES : iosm_fake_reg(fake, offset);
	return fake->read32 ? fake->read32(fake, offset, value) : value;
}

static u8 fake_read8(struct iosm_bus *bus, u32 offset)
{
	struct iosm_fake *fake = to_fake(bus);

	if (fake->d3)
		fake_fault(fake, "register %x read in D3 (1.7)", offset);
	if (fake->absent)
		return 0xff;
	if (offset == 0x05)
		return fake->chip_length;
	fake_fault(fake, "8-bit register %x read (2.1)", offset);
	return 0;
}

static void fake_write32(struct iosm_bus *bus, u32 offset, u32 value)
{
	struct iosm_fake *fake = to_fake(bus);
	bool writable;

	writable = (offset >= REG_PSI && offset < REG_IPC_STATE) ||
		   (offset >= REG_CONTEXT && offset < REG_WINDOWS_END);
	if (fake->d3 || fake->unread)
		fake_fault(fake, "register %x written too early (6.7)", offset);
	if (offset % 4 || !writable)
		fake_fault(fake, "register %x written (2.1)", offset);
	else if (!fake->absent)
		iosm_fake_set_reg(fake, offset, value);
}

/* ---- Status block (protocol.rst 3.3) ---- */

/**
 * iosm_fake_write_status() - write the status block, without an interrupt
 * @fake: the modem
 * @stage: offset 0
 * @ipc_state: offset 4
 * @sleep: offset 8
 */
void iosm_fake_write_status(struct iosm_fake *fake, u32 stage, u32 ipc_state,
			    u32 sleep)
{
	unsigned long flags;

	spin_lock_irqsave(&fake->lock, flags);
	fake->notified = sleep;
	fake_store(fake, fake->status, stage);
	fake_store(fake, fake->status + 4, ipc_state);
	fake_store(fake, fake->status + 8, sleep);
	spin_unlock_irqrestore(&fake->lock, flags);
}

/**
 * iosm_fake_notify() - write the sleep notification and raise the interrupt
 * @fake: the modem
 * @notification: any value
 */
void iosm_fake_notify(struct iosm_fake *fake, u32 notification)
{
	unsigned long flags;

	spin_lock_irqsave(&fake->lock, flags);
	fake->notified = notification;
	if (!notification)
		fake->asleep = false;
	fake_store(fake, fake->status + 8, notification);
	spin_unlock_irqrestore(&fake->lock, flags);
	iosm_fake_interrupt(fake);
}

/**
 * iosm_fake_crash() - crash the firmware and say so
 * @fake: the modem
 */
void iosm_fake_crash(struct iosm_fake *fake)
{
	iosm_fake_write_status(fake, STAGE_CRASH, 2, 0);
	iosm_fake_set_stage(fake, STAGE_CRASH);
	iosm_fake_interrupt(fake);
}

static void fake_end_session(struct iosm_fake *fake)
{
	unsigned int i;

	fake->running = false;
	fake->asleep = false;
	fake->falling = false;
	fake->host_asleep = false;
	fake->forced = false;
	for (i = 0; i < IOSM_FAKE_PIPES; i++)
		fake->pipes[i].open = false;
}

/**
 * iosm_fake_reboot() - be in a stage as after a reset, without a word
 * @fake: the modem
 * @stage: new stage
 */
void iosm_fake_reboot(struct iosm_fake *fake, u32 stage)
{
	unsigned long flags;

	spin_lock_irqsave(&fake->lock, flags);
	fake_end_session(fake);
	iosm_fake_set_reg(fake, REG_IPC_STATE, 0);
	iosm_fake_set_stage(fake, stage);
	spin_unlock_irqrestore(&fake->lock, flags);
}

/**
 * iosm_fake_reset() - reset the function, as the PCI driver does
 * @fake: the modem, with a core
 *
 * Return: 0, or -ENODEV if it is absent, as struct iosm_bus_ops.reset.
 */
int iosm_fake_reset(struct iosm_fake *fake)
{
	if (fake->absent)
		return -ENODEV;
	iosm_modem_reset_prepare(fake->modem);
	if (fake->dma)
		fake_fault(fake, "reset with bus mastering on (1.5)");
	iosm_fake_reboot(fake, STAGE_RUN);
	iosm_modem_reset_done(fake->modem);
	return 0;
}

static int fake_reset(struct iosm_bus *bus, bool reload)
{
	struct iosm_fake *fake = to_fake(bus);

	fake->resets++;
	return fake->reset(fake);
}

/* ---- Power of the function ---- */

/**
 * iosm_fake_enter_d3() - from now on the function must not be touched
 * @fake: the modem
 */
void iosm_fake_enter_d3(struct iosm_fake *fake)
{
	fake->d3 = true;
}

/**
 * iosm_fake_leave_d3() - the function is back; nobody knows what it did meanwhile
 * @fake: the modem
 */
void iosm_fake_leave_d3(struct iosm_fake *fake)
{
	fake->d3 = false;
	fake->unread = true;
}

/**
 * iosm_fake_usage() - runtime PM references of the core
 * @fake: the modem, with a core
 *
 * Return: the number.
 */
int iosm_fake_usage(struct iosm_fake *fake)
{
	return atomic_read(&fake->bus.dev->power.usage_count) - fake->usage;
}

static int fake_runtime_suspend(struct device *dev)
{
	struct iosm_fake *fake = dev_get_drvdata(dev);
	int ret;

	ret = iosm_modem_runtime_suspend(fake->modem);
	if (!ret && fake->dma)
		fake_fault(fake, "bus mastering on while the host sleeps (1.5)");
	if (!ret)
		iosm_fake_enter_d3(fake);
	return ret;
}

static int fake_runtime_resume(struct device *dev)
{
	struct iosm_fake *fake = dev_get_drvdata(dev);

	iosm_fake_leave_d3(fake);
	iosm_modem_runtime_resume(fake->modem);
	return 0;
}

static const struct dev_pm_ops fake_pm_ops = {
	RUNTIME_PM_OPS(fake_runtime_suspend, fake_runtime_resume, NULL)
};

/* ---- IPC states (protocol.rst 1.3.2, 3.2) ---- */

static bool fake_read_context(struct iosm_fake *fake)
{
	u64 addr = iosm_fake_reg(fake, REG_CONTEXT) |
		   (u64)iosm_fake_reg(fake, REG_CONTEXT + 4) << 32;
	const u8 *context;
	u32 offset;

	for (offset = REG_WINDOWS; offset < REG_WINDOWS_END; offset += 4) {
		if (iosm_fake_reg(fake, offset))
			fake_fault(fake, "address window not open (2.5)");
	}
	if (!fake->dma) {
		fake_fault(fake, "session without bus mastering (1.5)");
		return false;
	}
	context = fake_mem(fake, addr, CONTEXT_SIZE);
	if (!context)
		return false;

	fake->status = get_unaligned_le64(context);
	fake->heads = get_unaligned_le64(context + 0x08);
	fake->tails = get_unaligned_le64(context + 0x10);
	fake->control_head = get_unaligned_le64(context + 0x18);
	fake->control_tail = get_unaligned_le64(context + 0x20);
	fake->ring = get_unaligned_le64(context + 0x28);
	if (get_unaligned_le16(context + 0x30) != RING_ENTRIES)
		fake_fault(fake, "control ring of another size (3.2)");
	if (context[0x32] || context[0x33])
		fake_fault(fake, "vectors are not 0 (3.2)");
	if ((fake->status | fake->heads | fake->tails | fake->control_head |
	     fake->control_tail | fake->ring) & 3)
		fake_fault(fake, "misaligned address (3.2)");
	return fake_load(fake, fake->control_tail, &fake->tail);
}

static bool fake_in_loader(struct iosm_fake *fake)
{
	u32 stage = iosm_fake_reg(fake, REG_STAGE);

	return stage == STAGE_PSI || stage == STAGE_EBL;
}

/**
 * iosm_fake_enter_running() - take the context and begin the session
 * @fake: the modem
 *
 * The interrupt follows. Done by itself unless ignored_states forbids it.
 *
 * Return: false if there is no usable context.
 */
bool iosm_fake_enter_running(struct iosm_fake *fake)
{
	unsigned long flags;

	spin_lock_irqsave(&fake->lock, flags);
	fake_end_session(fake);
	fake->running = fake_read_context(fake);
	if (fake->running)
		iosm_fake_set_reg(fake, REG_IPC_STATE, 2);
	spin_unlock_irqrestore(&fake->lock, flags);

	if (!fake->running)
		return false;
	iosm_fake_write_status(fake, fake_in_loader(fake) ? iosm_fake_reg(fake, REG_STAGE) :
							    STAGE_RUN, 2, 0);
	iosm_fake_interrupt(fake);
	return true;
}

/* ---- Boot ROM (protocol.rst 7.3) ---- */

static void fake_load_bell(struct iosm_fake *fake)
{
	u64 addr = iosm_fake_reg(fake, REG_PSI) | (u64)iosm_fake_reg(fake, REG_PSI + 4) << 32;
	u32 len = iosm_fake_reg(fake, REG_PSI_LEN);
	u32 result = 0x01;

	if (iosm_fake_reg(fake, REG_STAGE) != STAGE_BOOT) {
		fake_fault(fake, "image for the ROM, which does not run (7.3)");
		return;
	}
	if (fake->load)
		result = fake->load(fake, fake_mem(fake, addr, len), len);
	if (result == IOSM_FAKE_SILENT)
		return;
	iosm_fake_set_reg(fake, REG_ROM_RESULT, result);
	iosm_fake_interrupt(fake);
	if ((result == 0x01 || result == 0x10) && !fake->stuck)
		iosm_fake_set_stage(fake, STAGE_PSI);
}

static void fake_state_request(struct iosm_fake *fake, u32 value)
{
	unsigned long flags;

	if (value > 2)
		fake_fault(fake, "state %u requested (1.3.2)", value);
	else if (fake->ignored_states & BIT(value))
		return;

	switch (value) {
	case 0:
		spin_lock_irqsave(&fake->lock, flags);
		fake_end_session(fake);
		iosm_fake_set_reg(fake, REG_IPC_STATE, 0);
		spin_unlock_irqrestore(&fake->lock, flags);
		break;
	case 1:
		if (iosm_fake_reg(fake, REG_IPC_STATE) != 0)
			fake_fault(fake, "INIT requested in a session (2.5)");
		iosm_fake_set_reg(fake, REG_IPC_STATE, 1);
		break;
	case 2:
		if (iosm_fake_reg(fake, REG_IPC_STATE) != 1)
			fake_fault(fake, "RUNNING requested before INIT (2.5)");
		else
			iosm_fake_enter_running(fake);
		break;
	}
}

/* ---- Control ring (protocol.rst 3.4) ---- */

static bool fake_zero(const u8 *bytes, unsigned int from, unsigned int to)
{
	return !memchr_inv(bytes + from, 0, to - from);
}

static void fake_check_open(struct iosm_fake *fake,
			    const struct iosm_fake_request *request)
{
	if (request->arg >= PIPES_USED)
		fake_fault(fake, "pipe %u opened (4.1)", request->arg);
	else if (fake->pipes[request->arg].open)
		fake_fault(fake, "pipe %u opened twice (3.5.2)", request->arg);
	if (!request->addr || request->entries < 2)
		fake_fault(fake, "OPEN without a ring (3.5.2)");
	if (!fake_zero(request->raw, 12, 16))
		fake_fault(fake, "OPEN with a vector (3.4.2)");
}

static void fake_check_request(struct iosm_fake *fake,
			       const struct iosm_fake_request *request)
{
	const u8 *raw = request->raw;
	bool rest = fake_zero(raw, 12, 20);

	switch (request->type) {
	case TYPE_OPEN:
		fake_check_open(fake, request);
		rest = true;
		break;
	case TYPE_CLOSE:
		rest &= fake_zero(raw, 0, 10);
		if (request->arg >= PIPES_USED ||
		    !fake->pipes[request->arg].open)
			fake_fault(fake, "pipe %u not open (3.5.3)",
				   request->arg);
		break;
	case TYPE_SLEEP:
		rest &= fake_zero(raw, 0, 8) && raw[8] <= 1 && raw[9] <= 1 &&
			!raw[10];
		if (!raw[8] && raw[9] != fake->host_asleep)
			fake_fault(fake, "SLEEP(0,%u) twice (6.5)", raw[9]);
		break;
	case TYPE_FEATURES:
		rest &= fake_zero(raw, 0, 10);
		break;
	default:
		fake_fault(fake, "unknown request %u (3.4.2)", request->type);
		break;
	}
	if (fake->host_asleep && (request->type != TYPE_SLEEP || raw[8]))
		fake_fault(fake, "request %u while the host sleeps (6.5)",
			   request->type);
	if (!rest || !fake_zero(raw, ENTRY_STATUS, ENTRY_SIZE))
		fake_fault(fake, "reserved bytes of request %u (3.4.2)",
			   request->type);
}

static bool fake_next_request(struct iosm_fake *fake,
			      struct iosm_fake_request *request)
{
	const u8 *entry;
	u32 head;

	if (!fake->running || !fake_load(fake, fake->control_head, &head))
		return false;
	if (head >= RING_ENTRIES) {
		fake_fault(fake, "control head %u (3.4.1)", head);
		return false;
	}
	if (head == fake->tail)
		return false;

	smp_rmb();	/* head before contents, pairs with the driver */
	entry = fake_mem(fake, fake->ring + fake->tail * ENTRY_SIZE,
			 ENTRY_SIZE);
	if (!entry)
		return false;
	memcpy(request->raw, entry, ENTRY_SIZE);
	request->index = fake->tail;
	request->addr = get_unaligned_le64(request->raw);
	request->entries = get_unaligned_le16(request->raw + 8);
	request->arg = request->raw[10];
	request->type = request->raw[11];
	request->backoff = get_unaligned_le32(request->raw + 16);
	fake_check_request(fake, request);
	return true;
}

static void fake_execute(struct iosm_fake *fake,
			 const struct iosm_fake_request *request)
{
	struct iosm_fake_pipe *pipe;

	if (request->arg >= IOSM_FAKE_PIPES)
		return;
	pipe = &fake->pipes[request->arg];

	if (request->type == TYPE_OPEN) {
		pipe->open = true;
		pipe->ring = request->addr;
		pipe->entries = request->entries;
		pipe->tail = 0;
		pipe->backoff = request->backoff;
		fake_store(fake, fake->tails + 4 * request->arg, 0);
	} else if (request->type == TYPE_CLOSE) {
		pipe->open = false;
	} else if (request->type == TYPE_SLEEP && !request->raw[8]) {
		fake->falling = !request->raw[9];
		fake->host_asleep = false;
	}
}

static void fake_finish_request(struct iosm_fake *fake,
				const struct iosm_fake_request *request,
				u32 status)
{
	if (!fake->running)
		return;
	if (status == IOSM_FAKE_OK)
		fake_execute(fake, request);
	fake_store(fake, fake->ring + request->index * ENTRY_SIZE +
			 ENTRY_STATUS, status);
	smp_wmb();	/* status before tail, pairs with the driver */
	fake->tail = (request->index + 1) % RING_ENTRIES;
	fake_store(fake, fake->control_tail, fake->tail);
	fake->requests++;
}

static unsigned int fake_work_control(struct iosm_fake *fake)
{
	struct iosm_fake_request request;
	unsigned long flags;
	unsigned int done;
	u32 status;
	bool more;

	for (done = 0; done < RING_ENTRIES && !fake->falling; done++) {
		spin_lock_irqsave(&fake->lock, flags);
		more = fake_next_request(fake, &request);
		spin_unlock_irqrestore(&fake->lock, flags);
		if (!more)
			break;

		status = fake->control ? fake->control(fake, &request) :
					 IOSM_FAKE_OK;
		if (status == IOSM_FAKE_SILENT)
			break;
		spin_lock_irqsave(&fake->lock, flags);
		fake_finish_request(fake, &request, status);
		spin_unlock_irqrestore(&fake->lock, flags);
	}
	return done;
}

/**
 * iosm_fake_control_posted() - how many control requests wait
 * @fake: the modem
 *
 * Return: the number.
 */
unsigned int iosm_fake_control_posted(struct iosm_fake *fake)
{
	u32 head = fake->tail;

	fake_load(fake, fake->control_head, &head);
	return (head + RING_ENTRIES - fake->tail) % RING_ENTRIES;
}

/**
 * iosm_fake_set_control_head() - destroy the host's index
 * @fake: the modem
 * @value: any
 */
void iosm_fake_set_control_head(struct iosm_fake *fake, u32 value)
{
	fake_store(fake, fake->control_head, value);
}

/**
 * iosm_fake_set_control_tail() - write any control-ring tail to memory
 * @fake: the modem
 * @value: any; the modem itself goes on with the right one
 */
void iosm_fake_set_control_tail(struct iosm_fake *fake, u32 value)
{
	fake_store(fake, fake->control_tail, value);
}

/* ---- Pipes (protocol.rst 3.5) ---- */

/**
 * iosm_fake_set_head() - destroy the host's index of a pipe
 * @fake: the modem
 * @pipe: number
 * @value: any
 */
void iosm_fake_set_head(struct iosm_fake *fake, unsigned int pipe, u32 value)
{
	fake_store(fake, fake->heads + 4 * pipe, value);
}

/**
 * iosm_fake_set_tail() - write any tail of a pipe to memory
 * @fake: the modem
 * @pipe: number, also of a closed pipe
 * @value: any; the modem itself goes on with the right one
 */
void iosm_fake_set_tail(struct iosm_fake *fake, unsigned int pipe, u32 value)
{
	fake_store(fake, fake->tails + 4 * pipe, value);
}

/**
 * iosm_fake_get_head() - read the head of a pipe from memory
 * @fake: the modem
 * @pipe: number
 *
 * Return: the index, all ones without bus mastering.
 */
u32 iosm_fake_get_head(struct iosm_fake *fake, unsigned int pipe)
{
	u32 value = ALL_ONES;

	fake_load(fake, fake->heads + 4 * pipe, &value);
	return value;
}

/**
 * iosm_fake_get_tail() - read the tail of a pipe from memory
 * @fake: the modem
 * @pipe: number
 *
 * Return: the index, all ones without bus mastering.
 */
u32 iosm_fake_get_tail(struct iosm_fake *fake, unsigned int pipe)
{
	u32 value = ALL_ONES;

	fake_load(fake, fake->tails + 4 * pipe, &value);
	return value;
}

static unsigned int fake_posted(struct iosm_fake *fake, unsigned int number)
{
	struct iosm_fake_pipe *pipe = &fake->pipes[number];
	u32 head;

	if (!fake->running || !pipe->open ||
	    !fake_load(fake, fake->heads + 4 * number, &head))
		return 0;
	if (head >= pipe->entries) {
		fake_fault(fake, "head %u of pipe %u (3.5)", head, number);
		return 0;
	}
	smp_rmb();	/* head before TDs, pairs with the driver */
	return (head + pipe->entries - pipe->tail) % pipe->entries;
}

/**
 * iosm_fake_posted() - how many TDs of a pipe are the modem's
 * @fake: the modem
 * @pipe: number
 *
 * Return: the number, 0 if the pipe is closed.
 */
unsigned int iosm_fake_posted(struct iosm_fake *fake, unsigned int pipe)
{
	unsigned long flags;
	unsigned int posted;

	spin_lock_irqsave(&fake->lock, flags);
	posted = fake_posted(fake, pipe);
	spin_unlock_irqrestore(&fake->lock, flags);
	return posted;
}

/**
 * iosm_fake_raw_td() - find the bytes of a TD
 * @fake: the modem
 * @pipe: number of an open pipe
 * @nth: 0 is the next one to complete; need not be posted
 *
 * Return: 16 bytes, or NULL without bus mastering.
 */
u8 *iosm_fake_raw_td(struct iosm_fake *fake, unsigned int pipe,
		     unsigned int nth)
{
	struct iosm_fake_pipe *p = &fake->pipes[pipe];

	return fake_mem(fake, p->ring + (p->tail + nth) % p->entries * TD_BYTES,
			TD_BYTES);
}

static bool fake_td(struct iosm_fake *fake, unsigned int pipe, unsigned int nth,
		    struct iosm_fake_td *td)
{
	const u8 *raw;
	u32 word;

	if (nth >= fake_posted(fake, pipe))
		return false;
	raw = iosm_fake_raw_td(fake, pipe, nth);
	if (!raw)
		return false;

	word = get_unaligned_le32(raw + TD_WORD);
	td->addr = get_unaligned_le64(raw);
	td->size = word & TD_SIZE_MASK;
	td->status = word >> 24;
	td->data = fake_mem(fake, td->addr, td->size ?: 1);
	if (!td->size)
		fake_fault(fake, "empty TD on pipe %u (3.5.1)", pipe);
	if (td->status || !fake_zero(raw, 12, 16))
		fake_fault(fake, "reserved bytes of a TD on pipe %u (3.5.1)",
			   pipe);
	return td->data;
}

/**
 * iosm_fake_td() - read a posted TD
 * @fake: the modem
 * @pipe: number
 * @nth: 0 is the next one to complete
 * @td: what it says
 *
 * Return: false if there is none.
 */
bool iosm_fake_td(struct iosm_fake *fake, unsigned int pipe, unsigned int nth,
		  struct iosm_fake_td *td)
{
	unsigned long flags;
	bool found;

	spin_lock_irqsave(&fake->lock, flags);
	found = fake_td(fake, pipe, nth, td);
	spin_unlock_irqrestore(&fake->lock, flags);
	return found;
}

static void fake_complete(struct iosm_fake *fake, unsigned int number, u32 size,
			  u8 status)
{
	struct iosm_fake_pipe *pipe = &fake->pipes[number];

	fake_store(fake, pipe->ring + pipe->tail * TD_BYTES + TD_WORD,
		   (size & TD_SIZE_MASK) | (u32)status << 24);
	smp_wmb();	/* data and TD before tail, pairs with the driver */
	pipe->tail = (pipe->tail + 1) % pipe->entries;
	fake_store(fake, fake->tails + 4 * number, pipe->tail);
}

/**
 * iosm_fake_complete() - complete the next TD with any result
 * @fake: the modem
 * @pipe: number
 * @size: bytes 8 to 10
 * @status: byte 11
 *
 * Return: false if no TD is posted.
 */
bool iosm_fake_complete(struct iosm_fake *fake, unsigned int pipe, u32 size,
			u8 status)
{
	struct iosm_fake_td td;
	unsigned long flags;
	bool found;

	spin_lock_irqsave(&fake->lock, flags);
	found = fake_td(fake, pipe, 0, &td);
	if (found)
		fake_complete(fake, pipe, size, status);
	spin_unlock_irqrestore(&fake->lock, flags);
	return found;
}

/**
 * iosm_fake_take_uplink() - complete all posted TDs of an uplink pipe
 * @fake: the modem
 * @pipe: number
 *
 * Return: how many.
 */
unsigned int iosm_fake_take_uplink(struct iosm_fake *fake, unsigned int pipe)
{
	struct iosm_fake_td td;
	unsigned int count = 0;

	while (iosm_fake_td(fake, pipe, 0, &td)) {
		iosm_fake_complete(fake, pipe, td.size, TD_END);
		count++;
	}
	return count;
}

/**
 * iosm_fake_send() - put data into the next downlink buffer
 * @fake: the modem
 * @pipe: number
 * @data: what
 * @len: bytes, 1 or more
 *
 * The interrupt is up to the caller.
 *
 * Return: false if no buffer is posted, or @len does not fit.
 */
bool iosm_fake_send(struct iosm_fake *fake, unsigned int pipe,
		    const void *data, u32 len)
{
	struct iosm_fake_td td;
	unsigned long flags;
	bool fits;

	spin_lock_irqsave(&fake->lock, flags);
	fits = fake_td(fake, pipe, 0, &td) && len <= td.size;
	if (fits) {
		memcpy(td.data, data, len);
		fake_complete(fake, pipe, len, TD_END);
	}
	spin_unlock_irqrestore(&fake->lock, flags);
	return fits;
}

/* Hand over the next uplink TD, as a copy: the handler runs without the lock */
static bool fake_deliver_uplink(struct iosm_fake *fake, unsigned int pipe)
{
	struct iosm_fake_td td = {};
	unsigned long flags;
	u8 *copy = NULL;

	spin_lock_irqsave(&fake->lock, flags);
	if (fake_td(fake, pipe, 0, &td)) {
		copy = kmemdup(td.data, td.size, GFP_ATOMIC);
		fake_complete(fake, pipe, td.size, TD_END);
	}
	spin_unlock_irqrestore(&fake->lock, flags);

	if (!copy)
		return false;
	fake->uplink(fake, pipe, copy, td.size);
	kfree(copy);
	return true;
}

/**
 * iosm_fake_work() - do what a head doorbell asks for
 * @fake: the modem
 *
 * Answers control requests, and takes uplink if there is a handler and the host does
 * not sleep.
 */
void iosm_fake_work(struct iosm_fake *fake)
{
	unsigned int done = fake_work_control(fake);
	bool data = fake->uplink && !fake->falling && !fake->host_asleep;
	unsigned int pipe;

	for (pipe = 0; data && pipe < PIPES_USED; pipe += 2) {
		while (fake_deliver_uplink(fake, pipe))
			done++;
	}
	if (done)
		iosm_fake_interrupt(fake);
	if (fake->falling) {
		fake->host_asleep = true;
		fake->falling = false;
	}
}

/* ---- Doorbells (protocol.rst 1.3) ---- */

static void fake_head_bell(struct iosm_fake *fake)
{
	if (fake->asleep)
		fake_fault(fake, "head doorbell while asleep (6.4)");
	if (fake->host_asleep && !iosm_fake_control_posted(fake))
		fake_fault(fake, "head doorbell while the host sleeps (6.4)");
	if (!fake->in_session)
		fake_fault(fake, "head doorbell without a session (1.3.1)");
	if (fake->lost_bells) {
		fake->lost_bells--;
		return;
	}
	if (fake->on_head)
		fake->on_head(fake);
	if (!fake->deaf)
		iosm_fake_work(fake);
}

/* protocol.rst 6.6 */
static void fake_force(struct iosm_fake *fake, bool sleep)
{
	unsigned long flags;

	if (fake->host_asleep == sleep || fake->forced == sleep)
		fake_fault(fake, "host forced to be what it is (6.6)");
	spin_lock_irqsave(&fake->lock, flags);
	fake->forced = sleep;
	fake->forced_at = ktime_get_ns();
	fake->host_asleep = sleep;
	fake->asleep = sleep;
	if (!sleep && !fake->drowsy) {
		fake->notified = 0;
		fake_store(fake, fake->status + 8, 0);
	}
	spin_unlock_irqrestore(&fake->lock, flags);
}

static void fake_power_bell(struct iosm_fake *fake, u32 value)
{
	if (fake->forced && value != 8)
		fake_fault(fake, "power doorbell %u in a forced sleep (6.6)",
			   value);
	switch (value) {
	case 0:
		if (fake->notified == 1)
			fake_fault(fake, "ACTIVE not asked for (6.3)");
		break;
	case 1:
		if (fake->notified != 1)
			fake_fault(fake, "SLEEP not asked for (6.3)");
		fake->asleep = fake->notified == 1;
		break;
	case 2:
		if ((fake->asleep || fake->notified == 1) && !fake->stubborn)
			iosm_fake_notify(fake, 0);
		break;
	case 7:
	case 8:
		fake_force(fake, value == 7);
		break;
	default:
		fake_fault(fake, "power doorbell %u (1.3.3)", value);
		break;
	}
}

static void fake_ring(struct iosm_bus *bus, enum iosm_doorbell bell, u32 value)
{
	struct iosm_fake *fake = to_fake(bus);
	unsigned long flags;

	spin_lock_irqsave(&fake->lock, flags);
	if (fake->bell_count < IOSM_FAKE_BELLS)
		fake->bells[fake->bell_count] = (struct iosm_fake_bell){
			.bell = bell, .value = value };
	fake->bell_count++;
	spin_unlock_irqrestore(&fake->lock, flags);

	if (fake->d3)
		fake_fault(fake, "doorbell %u in D3 (1.7)", bell);
	if (fake->unread)
		fake_fault(fake, "doorbell %u before the stage was read (6.7)",
			   bell);
	if (bell != IOSM_DB_STATE && !fake->dma)
		fake_fault(fake, "doorbell %u without bus mastering (1.5)", bell);
	if (bell == IOSM_DB_STATE)
		fake->in_session = value == 2;
	if (fake->absent)
		return;
	switch (bell) {
	case IOSM_DB_HEAD:
		if (value == STAGE_BOOT)
			fake_load_bell(fake);
		else
			fake_head_bell(fake);
		break;
	case IOSM_DB_STATE:
		fake_state_request(fake, value);
		break;
	case IOSM_DB_POWER:
		fake_power_bell(fake, value);
		break;
	default:
		fake_fault(fake, "doorbell %u (1.3)", bell);
		break;
	}
}

static void fake_set_dma(struct iosm_bus *bus, bool allowed)
{
	struct iosm_fake *fake = to_fake(bus);
	unsigned long flags;
	bool before;

	spin_lock_irqsave(&fake->lock, flags);
	before = fake->dma;
	fake->dma_cuts += before && !allowed;
	fake->dma = allowed;
	spin_unlock_irqrestore(&fake->lock, flags);
	if (allowed && !before && fake->on_dma)
		fake->on_dma(fake);
}

static void fake_bus_set_dma(struct iosm_bus *bus, bool allowed)
{
	struct iosm_fake *fake = to_fake(bus);

	if (!allowed && fake->dma && fake->forced && !fake->absent &&
	    ktime_get_ns() - fake->forced_at < FORCED_GRACE)
		fake_fault(fake, "bus mastering off in the middle of a transfer (6.6)");
	fake_set_dma(bus, allowed);
}

static bool fake_find(struct iosm_bus *bus)
{
	return to_fake(bus)->found;
}

static const struct iosm_bus_ops fake_bus_ops = {
	.read32 = fake_read32,
	.read8 = fake_read8,
	.write32 = fake_write32,
	.ring = fake_ring,
	.set_dma = fake_bus_set_dma,
	.reset = fake_reset,
	.find = fake_find,
};

/* ---- Observation ---- */

/**
 * iosm_fake_forget_bells() - empty the log of doorbells
 * @fake: the modem
 */
void iosm_fake_forget_bells(struct iosm_fake *fake)
{
	unsigned long flags;

	spin_lock_irqsave(&fake->lock, flags);
	fake->bell_count = 0;
	spin_unlock_irqrestore(&fake->lock, flags);
}

/**
 * iosm_fake_count_bells() - count doorbells in the log
 * @fake: the modem
 * @bell: which
 * @value: what
 *
 * Return: how often it rang.
 */
unsigned int iosm_fake_count_bells(struct iosm_fake *fake,
				   enum iosm_doorbell bell, u32 value)
{
	unsigned int i, stored, count = 0;
	unsigned long flags;

	spin_lock_irqsave(&fake->lock, flags);
	stored = min_t(unsigned int, fake->bell_count, IOSM_FAKE_BELLS);
	for (i = 0; i < stored; i++)
		count += fake->bells[i].bell == bell &&
			 fake->bells[i].value == value;
	spin_unlock_irqrestore(&fake->lock, flags);
	return count;
}

/**
 * iosm_fake_check_bells() - see IOSM_FAKE_EXPECT_BELLS()
 * @fake: the modem
 * @where: function of the expectation
 * @line: its line
 * @bells: what must have rung
 * @count: how many
 */
void iosm_fake_check_bells(struct iosm_fake *fake, const char *where, int line,
			   const struct iosm_fake_bell *bells,
			   unsigned int count)
{
	unsigned int i;

	KUNIT_EXPECT_EQ_MSG(fake->test, fake->bell_count, count,
			    "doorbells, %s:%d", where, line);
	count = min3(count, fake->bell_count, (unsigned int)IOSM_FAKE_BELLS);
	for (i = 0; i < count; i++) {
		KUNIT_EXPECT_EQ_MSG(fake->test, (int)fake->bells[i].bell,
				    (int)bells[i].bell, "doorbell %u, %s:%d", i,
				    where, line);
		KUNIT_EXPECT_EQ_MSG(fake->test, fake->bells[i].value,
				    bells[i].value,
				    "value of doorbell %u, %s:%d", i, where,
				    line);
	}
}

/**
 * iosm_fake_count_events() - count uevents of the modem
 * @fake: the modem
 * @event: value of IOSM_EVENT
 *
 * Return: how often it was sent.
 */
unsigned int iosm_fake_count_events(struct iosm_fake *fake, const char *event)
{
	unsigned int i, count = 0;

	for (i = 0; i < min_t(unsigned int, fake->event_count,
			      IOSM_FAKE_EVENTS); i++)
		count += !strcmp(fake->events[i], event);
	return count;
}

/* Called for each uevent of the device, with all its variables. */
static int fake_uevent(const struct device *dev, struct kobj_uevent_env *env)
{
	static const char prefix[] = "IOSM_EVENT=";
	struct iosm_fake *fake = dev_get_drvdata(dev);
	unsigned long flags;
	int i;

	for (i = 0; fake && i < env->envp_idx; i++) {
		if (!str_has_prefix(env->envp[i], prefix))
			continue;
		spin_lock_irqsave(&fake->lock, flags);
		if (fake->event_count < IOSM_FAKE_EVENTS)
			strscpy(fake->events[fake->event_count],
				env->envp[i] + strlen(prefix));
		fake->event_count++;
		spin_unlock_irqrestore(&fake->lock, flags);
	}
	return 0;
}

static const struct device_type fake_device_type = {
	.name = "iosm_fake",
	.uevent = fake_uevent,
	.pm = pm_ptr(&fake_pm_ops),
};

/* ---- Life ---- */

static void fake_check_faults(void *data)
{
	struct iosm_fake *fake = data;

	pm_runtime_disable(fake->bus.dev);
	pm_runtime_put_noidle(fake->bus.dev);
	dev_set_drvdata(fake->bus.dev, NULL);
	if (fake->faults_expected)
		return;
	KUNIT_EXPECT_EQ_MSG(fake->test, fake->fault_count, 0,
			    "the driver broke the protocol: %s", fake->fault);
}

/**
 * iosm_fake_create() - make a modem with a device for DMA
 * @test: whose; the modem goes with it
 * @device_id: PCI device ID
 *
 * It is in stage RUN, without a session, with firmware that can neither
 * aggregation nor credits.
 *
 * Return: the modem; the test ends if that fails.
 */
struct iosm_fake *iosm_fake_create(struct kunit *test, u16 device_id)
{
	struct iosm_fake *fake;
	struct device *dev;
	int ret;

	fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake);
	dev = kunit_device_register(test, "iosm");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
	KUNIT_ASSERT_EQ(test, ret, 0);

	fake->test = test;
	spin_lock_init(&fake->lock);
	init_waitqueue_head(&fake->state_changed);
	fake->bus.ops = &fake_bus_ops;
	fake->bus.dev = dev;
	fake->bus.device = device_id == IOSM_PCI_DEVICE_7360 ? &iosm_device_7360 :
								&iosm_device_7560;
	fake->reset = iosm_fake_reset;
	fake->chip_length = 58;
	fake->regs[REG_STAGE / 4] = STAGE_RUN;
	fake->regs[REG_FW_VERSION / 4] = 0x100;

	dev_set_drvdata(dev, fake);
	dev->type = &fake_device_type;
	/* Like a PCI function of which user space has not said "auto" yet. */
	pm_runtime_get_noresume(dev);
	pm_runtime_set_active(dev);
	pm_runtime_enable(dev);
	ret = kunit_add_action_or_reset(test, fake_check_faults, fake);
	KUNIT_ASSERT_EQ(test, ret, 0);
	return fake;
}

/* Called by each wake-up of those who wait for a state. */
static int fake_state_watch(struct wait_queue_entry *entry, unsigned int mode,
			    int wake_flags, void *key)
{
	struct iosm_fake *fake =
		container_of(entry, struct iosm_fake, state_watch);
	unsigned long flags;

	spin_lock_irqsave(&fake->lock, flags);
	if (fake->state_count < IOSM_FAKE_STATES)
		fake->states[fake->state_count] =
			iosm_modem_state(fake->modem);
	fake->state_count++;
	spin_unlock_irqrestore(&fake->lock, flags);
	wake_up_all(&fake->state_changed);
	return 0;
}

static void fake_destroy_modem(void *data)
{
	struct iosm_fake *fake = data;
	struct iosm_modem *modem = fake->modem;

	iosm_modem_stop(modem);
	if (fake->dma)
		fake_fault(fake, "bus mastering still on (1.5)");
	if (iosm_fake_usage(fake))
		fake_fault(fake, "%d runtime PM references left",
			   iosm_fake_usage(fake));
	remove_wait_queue(&modem->state_wait, &fake->state_watch);
	fake->modem = NULL;
	iosm_modem_destroy(modem);
}

/**
 * iosm_fake_modem() - put the driver's core on the modem
 * @fake: the modem
 * @clients: of the core
 *
 * Return: the core, not started; it is stopped and destroyed with the test.
 */
struct iosm_modem *
iosm_fake_modem(struct iosm_fake *fake,
		const struct iosm_client *const *clients)
{
	struct iosm_modem *modem;
	int ret;

	modem = iosm_modem_create(&fake->bus, clients);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(fake->test, modem);
	fake->modem = modem;
	fake->usage = atomic_read(&fake->bus.dev->power.usage_count);
	init_waitqueue_func_entry(&fake->state_watch, fake_state_watch);
	add_wait_queue(&modem->state_wait, &fake->state_watch);
	ret = kunit_add_action_or_reset(fake->test, fake_destroy_modem, fake);
	KUNIT_ASSERT_EQ(fake->test, ret, 0);
	return modem;
}

/**
 * iosm_fake_go_online() - start the core and wait until it is online
 * @fake: the modem, with a core
 */
void iosm_fake_go_online(struct iosm_fake *fake)
{
	iosm_modem_start(fake->modem);
	iosm_fake_await(fake, IOSM_ONLINE);
}

/**
 * iosm_fake_stop_modem() - stop and destroy the core before the test ends
 * @fake: the modem, with a core
 */
void iosm_fake_stop_modem(struct iosm_fake *fake)
{
	kunit_release_action(fake->test, fake_destroy_modem, fake);
}

static bool fake_seen_state(struct iosm_fake *fake, enum iosm_state state)
{
	unsigned int i, count;
	unsigned long flags;
	bool seen = false;

	spin_lock_irqsave(&fake->lock, flags);
	count = min_t(unsigned int, fake->state_count, IOSM_FAKE_STATES);
	for (i = fake->state_seen; i < count && !seen; i++)
		seen = fake->states[i] == state;
	if (seen)
		fake->state_seen = i;
	spin_unlock_irqrestore(&fake->lock, flags);
	return seen;
}

/**
 * iosm_fake_await() - wait until the core enters a state, or end the test
 * @fake: the modem, with a core
 * @state: which
 *
 * Looks at what happened since the state that was awaited last, so that no state
 * is too short to be seen. The pauses of the state work are skipped. It has
 * finished its turn after the return.
 */
void iosm_fake_await(struct iosm_fake *fake, enum iosm_state state)
{
	struct iosm_modem *modem = fake->modem;
	unsigned long end = jiffies + 5 * HZ;
	bool seen;

	do {
		seen = wait_event_timeout(fake->state_changed,
					  fake_seen_state(fake, state), 1);
		if (!seen && delayed_work_pending(&modem->work))
			mod_delayed_work(modem->wq, &modem->work, 0);
	} while (!seen && time_before(jiffies, end));

	KUNIT_ASSERT_TRUE_MSG(fake->test, seen, "state is \"%s\", not \"%s\"",
			      iosm_state_name(iosm_modem_state(modem)),
			      iosm_state_name(state));
	flush_work(&modem->work.work);
}

/**
 * iosm_fake_check_states() - see IOSM_FAKE_EXPECT_STATES()
 * @fake: the modem
 * @where: function of the expectation
 * @line: its line
 * @states: what the core must have gone through
 * @count: how many
 */
void iosm_fake_check_states(struct iosm_fake *fake, const char *where,
			    int line, const enum iosm_state *states,
			    unsigned int count)
{
	unsigned int i;

	KUNIT_EXPECT_EQ_MSG(fake->test, fake->state_count, count,
			    "states, %s:%d", where, line);
	count = min3(count, fake->state_count, (unsigned int)IOSM_FAKE_STATES);
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_EQ_MSG(fake->test, fake->states[i], states[i],
				    "state %u is \"%s\", %s:%d", i,
				    iosm_state_name(fake->states[i]), where,
				    line);
}

/**
 * iosm_fake_step() - run the state work once, now, and stop its clock
 * @fake: the modem, with a core
 *
 * It runs here, and what it wants to do later is dropped; so it does not run again
 * before iosm_modem_start(), unless something happens after the step.
 */
void iosm_fake_step(struct iosm_fake *fake)
{
	struct delayed_work *work = &fake->modem->work;

	disable_delayed_work_sync(work);
	work->work.func(&work->work);
	enable_delayed_work(work);
}

/**
 * iosm_fake_expire() - let the deadline pass and run the state work once
 * @fake: the modem, with a core
 */
void iosm_fake_expire(struct iosm_fake *fake)
{
	cancel_delayed_work_sync(&fake->modem->work);
	fake->modem->deadline = jiffies - 1;
	iosm_fake_step(fake);
}

/* ---- The layers below the core ---- */

static void fake_rings_fatal(struct iosm_protocol *protocol, const char *why,
			     int err)
{
	struct iosm_fake_rings *rings =
		container_of(protocol, struct iosm_fake_rings, protocol);

	rings->fatals++;
	rings->fatal_err = err;
	if (rings->forgiving)
		return;
	fake_set_dma(&rings->fake->bus, false);
	iosm_protocol_halt(protocol);
}

static const struct iosm_protocol_ops fake_rings_protocol_ops = {
	.fatal = fake_rings_fatal,
};

static void fake_rings_unresponsive(struct iosm_pm *pm)
{
	container_of(pm, struct iosm_fake_rings, pm)->unresponsive++;
}

static const struct iosm_pm_ops fake_rings_pm_ops = {
	.unresponsive = fake_rings_unresponsive,
};

static void fake_rings_work(struct work_struct *work)
{
	struct iosm_fake_rings *rings =
		container_of(work, struct iosm_fake_rings, poll);
	struct iosm_status status;

	iosm_protocol_status(&rings->protocol, &status);
	iosm_pm_notify(&rings->pm, status.sleep);
	iosm_protocol_poll(&rings->protocol);
}

static void fake_rings_interrupt(struct iosm_fake *fake)
{
	struct iosm_fake_rings *rings = fake->priv;

	queue_work(system_bh_wq, &rings->poll);
}

static void fake_rings_destroy(void *data)
{
	struct iosm_fake_rings *rings = data;
	struct iosm_pipe_slot slot;
	unsigned int i;

	fake_set_dma(&rings->fake->bus, false);
	iosm_protocol_halt(&rings->protocol);
	cancel_work_sync(&rings->poll);
	for (i = 0; i < IOSM_PIPES; i++) {
		struct iosm_pipe *pipe = &rings->protocol.pipes[i];

		if (!pipe->entries)
			continue;
		while (iosm_pipe_reclaim(pipe, &slot))
			;
		iosm_protocol_free_pipe(&rings->protocol, pipe);
	}
	iosm_pm_exit(&rings->pm);
	iosm_protocol_exit(&rings->protocol);
}

/**
 * iosm_fake_rings_start() - begin a session
 * @rings: without one
 */
void iosm_fake_rings_start(struct iosm_fake_rings *rings)
{
	struct iosm_bus *bus = &rings->fake->bus;

	iosm_protocol_start(&rings->protocol);
	fake_set_dma(bus, true);
	iosm_mmio_request_state(bus, IOSM_IPC_UNINIT);
	iosm_mmio_request_state(bus, IOSM_IPC_INIT);
	iosm_mmio_set_context(bus, rings->protocol.shm_dma);
	iosm_mmio_request_state(bus, IOSM_IPC_RUNNING);
	KUNIT_ASSERT_TRUE(rings->fake->test, rings->fake->running);
	flush_work(&rings->poll);
	iosm_fake_forget_bells(rings->fake);
}

/**
 * iosm_fake_rings_poll() - poll once, as if by an interrupt
 * @rings: with a session
 */
void iosm_fake_rings_poll(struct iosm_fake_rings *rings)
{
	queue_work(system_bh_wq, &rings->poll);
	flush_work(&rings->poll);
}

/**
 * iosm_fake_rings_create() - make a modem with rings and power handshake only
 * @test: whose
 *
 * Return: both, with a session; the test ends if that fails.
 */
struct iosm_fake_rings *iosm_fake_rings_create(struct kunit *test)
{
	struct iosm_fake_rings *rings;
	int ret;

	rings = kunit_kzalloc(test, sizeof(*rings), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rings);
	rings->fake = iosm_fake_create(test, IOSM_PCI_DEVICE_7560);
	rings->fake->priv = rings;
	rings->fake->on_interrupt = fake_rings_interrupt;
	INIT_WORK(&rings->poll, fake_rings_work);

	iosm_pm_init(&rings->pm, &rings->fake->bus, &fake_rings_pm_ops);
	ret = iosm_protocol_init(&rings->protocol, &rings->fake->bus,
				 &rings->pm, &fake_rings_protocol_ops);
	KUNIT_ASSERT_EQ(test, ret, 0);
	ret = kunit_add_action_or_reset(test, fake_rings_destroy, rings);
	KUNIT_ASSERT_EQ(test, ret, 0);
	iosm_fake_rings_start(rings);
	return rings;
}
