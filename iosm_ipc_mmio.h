/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way to the registers. The layers above reach the modem through struct
 * iosm_bus only; the PCI driver fills its ops, and so do the unit tests.
 */
#ifndef IOSM_IPC_MMIO_H
#define IOSM_IPC_MMIO_H

#include <linux/kernel.h>

#include "iosm_ipc_events.h"
#include "iosm_ipc_hw.h"

struct device;
struct iosm_bus;
struct iosm_device;

/**
 * enum iosm_host_sleep - how the modem is told that the host sleeps
 * @IOSM_HOST_SLEEP_D0: by a doorbell; it answers nothing ("D0/L1.2")
 * @IOSM_HOST_SLEEP_D3: by a control request that it completes ("D3/L2")
 */
enum iosm_host_sleep {
	IOSM_HOST_SLEEP_D0,
	IOSM_HOST_SLEEP_D3,
};

/**
 * struct iosm_bus_ops - access to one modem; any context, no op but @reset and @find sleeps
 * @read32: read a 32-bit register of BAR 2; all ones when the device is gone
 * @read8: read an 8-bit register of BAR 2
 * @write32: write a 32-bit register of BAR 2
 * @ring: write a doorbell of BAR 0; earlier memory writes are visible to the
 *	modem before the doorbell is
 * @set_dma: allow or forbid the modem to access memory (bus mastering); after
 *	forbidding, no access starts any more and no interrupt arrives
 * @reset: reset the function, with iosm_modem_reset_prepare() before and
 *	iosm_modem_reset_done() after it, if iosm_modem_needs_reset() says so; with
 *	@reload in any case, and the caller holds the device lock; process context, may
 *	sleep seconds, the caller holds no lock that a client's stop takes. 0; -EOPNOTSUPP
 *	if the device cannot be reset; -ENODEV if it is not there; -EAGAIN if it is being
 *	bound, unbound or put to sleep
 * @find: is the function there? If it lost its configuration, it gets it back, without bus
 *	mastering. Process context; nobody resets the function at the same time
 */
struct iosm_bus_ops {
	u32 (*read32)(struct iosm_bus *bus, u32 offset);
	u8 (*read8)(struct iosm_bus *bus, u32 offset);
	void (*write32)(struct iosm_bus *bus, u32 offset, u32 value);
	void (*ring)(struct iosm_bus *bus, enum iosm_doorbell bell, u32 value);
	void (*set_dma)(struct iosm_bus *bus, bool allowed);
	int (*reset)(struct iosm_bus *bus, bool reload);
	bool (*find)(struct iosm_bus *bus);
};

/**
 * struct iosm_bus - how to reach one modem
 * @ops: the access functions
 * @dev: for DMA mappings, log lines and uevents, and the parent of everything
 *	that user space sees
 * @device: what kind of modem
 * @host_sleep: what the modem expects before the host sleeps
 */
struct iosm_bus {
	const struct iosm_bus_ops *ops;
	struct device *dev;
	const struct iosm_device *device;
	enum iosm_host_sleep host_sleep;
};

/**
 * iosm_mmio_stage() - read the execution stage
 * @bus: the modem
 *
 * Context: any.
 * Return: an IOSM_STAGE_* value, all ones, or rubbish (protocol.rst 2.2).
 */
static inline u32 iosm_mmio_stage(struct iosm_bus *bus)
{
	return bus->ops->read32(bus, IOSM_REG_STAGE);
}

/**
 * iosm_mmio_ipc_state() - read the IPC state
 * @bus: the modem
 *
 * Context: any.
 * Return: enum iosm_ipc_state, all ones, or rubbish (protocol.rst 2.2).
 */
static inline u32 iosm_mmio_ipc_state(struct iosm_bus *bus)
{
	return bus->ops->read32(bus, IOSM_REG_IPC_STATE);
}

/**
 * iosm_mmio_chip_length() - read the length byte of the chip information
 * @bus: the modem
 *
 * Context: any.
 * Return: the byte; anything but IOSM_CHIP_LENGTH is not our device
 * (protocol.rst 2.1).
 */
static inline u8 iosm_mmio_chip_length(struct iosm_bus *bus)
{
	return bus->ops->read8(bus, IOSM_REG_CHIP_LENGTH);
}

/**
 * iosm_mmio_chip_word() - read four bytes of the chip information
 * @bus: the modem
 * @offset: of the version byte on, a multiple of 4
 *
 * Context: any.
 * Return: the bytes, the first one in the low bits (protocol.rst 2.1).
 */
static inline u32 iosm_mmio_chip_word(struct iosm_bus *bus, u32 offset)
{
	return bus->ops->read32(bus, IOSM_REG_CHIP_VERSION + offset);
}

/**
 * iosm_mmio_rom_result() - read what the boot ROM says of a loader
 * @bus: the modem
 *
 * Context: any.
 * Return: its result (protocol.rst 2.4).
 */
static inline u32 iosm_mmio_rom_result(struct iosm_bus *bus)
{
	return bus->ops->read32(bus, IOSM_REG_ROM_RESULT);
}

/**
 * iosm_mmio_fw_version() - read the firmware's IPC version
 * @bus: the modem
 *
 * Context: any.
 * Return: the version; all ones is invalid (protocol.rst 2.3).
 */
static inline u32 iosm_mmio_fw_version(struct iosm_bus *bus)
{
	return bus->ops->read32(bus, IOSM_REG_FW_VERSION);
}

/**
 * iosm_mmio_fw_caps() - read the capability bits
 * @bus: the modem
 *
 * Context: any.
 * Return: IOSM_FW_CAP_* bits, meaningful from version 0x100 on (protocol.rst
 * 2.3).
 */
static inline u32 iosm_mmio_fw_caps(struct iosm_bus *bus)
{
	return bus->ops->read32(bus, IOSM_REG_FW_CAPS);
}

/**
 * iosm_mmio_write64() - write a 64-bit register as two halves, low first
 * @bus: the modem
 * @offset: register, 4-byte aligned only, which is why one store is no option
 * @value: what to write
 *
 * Context: any. Implements protocol.rst 2.1.1.
 */
static inline void iosm_mmio_write64(struct iosm_bus *bus, u32 offset,
				     u64 value)
{
	bus->ops->write32(bus, offset, lower_32_bits(value));
	bus->ops->write32(bus, offset + 4, upper_32_bits(value));
}

/**
 * iosm_mmio_set_context() - tell the modem where the context block is
 * @bus: the modem
 * @addr: bus address of the context block
 *
 * The address window is left open (both ends 0). The modem samples the
 * registers when it is asked to run.
 *
 * Context: any. Implements protocol.rst 2.5 step 5b.
 */
static inline void iosm_mmio_set_context(struct iosm_bus *bus, dma_addr_t addr)
{
	iosm_mmio_write64(bus, IOSM_REG_WINDOW_LOW, 0);
	iosm_mmio_write64(bus, IOSM_REG_WINDOW_HIGH, 0);
	iosm_mmio_write64(bus, IOSM_REG_CONTEXT, addr);
}

/**
 * iosm_mmio_ring() - ring a doorbell
 * @bus: the modem
 * @number: which
 * @value: what to write
 *
 * Context: any. Implements protocol.rst 1.3.
 */
static inline void iosm_mmio_ring(struct iosm_bus *bus, unsigned int number, u32 value)
{
	trace_iosm_doorbell(bus->dev, number, value);
	bus->ops->ring(bus, number, value);
}

/**
 * iosm_mmio_request_state() - ask the modem to change its IPC state
 * @bus: the modem
 * @state: IOSM_IPC_UNINIT, IOSM_IPC_INIT or IOSM_IPC_RUNNING
 *
 * Context: any. Implements protocol.rst 1.3.2.
 */
static inline void iosm_mmio_request_state(struct iosm_bus *bus,
					   enum iosm_ipc_state state)
{
	iosm_mmio_ring(bus, IOSM_DB_STATE, state);
}

/**
 * iosm_mmio_load() - let the boot ROM fetch a loader
 * @bus: the modem; it may access memory
 * @addr: bus address of the image
 * @len: its length, bytes
 *
 * Context: any. Implements protocol.rst 7.3 step 2.
 */
static inline void iosm_mmio_load(struct iosm_bus *bus, dma_addr_t addr, u32 len)
{
	iosm_mmio_write64(bus, IOSM_REG_PSI_ADDR, addr);
	bus->ops->write32(bus, IOSM_REG_PSI_LEN, len);
	iosm_mmio_ring(bus, IOSM_DB_HEAD, IOSM_HEAD_LOAD);
}

#endif /* IOSM_IPC_MMIO_H */
