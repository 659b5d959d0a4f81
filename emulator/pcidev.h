/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PCI function: configuration space, two BARs, MSI, power management and
 * reset. It knows neither the transport above it (vhost-user today) nor what
 * the registers behind the BARs mean.
 */
#ifndef IOSM_EMU_PCIDEV_H
#define IOSM_EMU_PCIDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "gmem.h"

#define PCIDEV_CONFIG_SIZE	4096
#define PCIDEV_BAR_SIZE		4096
#define PCIDEV_DOORBELL_BAR	0
#define PCIDEV_REGISTER_BAR	2

/* Offsets of our capabilities in configuration space. */
#define PCIDEV_CAP_PM		0x40
#define PCIDEV_CAP_MSI		0x50
#define PCIDEV_CAP_PCIE		0x70

/**
 * struct pcidev_host_ops - what the transport does for the function
 * @msi: deliver a message-signalled interrupt with this data
 * @pme: assert PME#
 */
struct pcidev_host_ops {
	void (*msi)(void *ctx, uint16_t data);
	void (*pme)(void *ctx);
};

/**
 * struct pcidev_device_ops - what lies behind the BARs
 * @read: read @size bytes at @offset of @bar, inside the BAR
 * @write: write them
 * @reset: the function was reset: by the host if @flr (function-level reset),
 *	otherwise by power (power-on, guest gone)
 * @power: the function entered (@d0 false) or left (@d0 true) D3hot
 */
struct pcidev_device_ops {
	void (*read)(void *ctx, unsigned int bar, uint32_t offset, void *data,
		     uint32_t size);
	void (*write)(void *ctx, unsigned int bar, uint32_t offset,
		      const void *data, uint32_t size);
	void (*reset)(void *ctx, bool flr);
	void (*power)(void *ctx, bool d0);
};

/**
 * struct pcidev - the function
 * @mem: guest memory, for DMA
 * @host: the transport, with @host_ctx
 * @device: the device behind the BARs, with @device_ctx
 * @msi_sent: interrupts delivered
 * @msi_lost: interrupts raised while they could not be delivered
 * @flr: function-level resets seen
 * @d3_entries: times that the host put the function into D3hot
 * @pme_sent: times that PME was asserted
 * @absent: accesses to a function that was not there
 * @gone: the function is off the bus: it reads as ones and hears nothing
 * @mute: the device is not able to use the bus: no DMA, no interrupts, no PME
 * @bare: configuration was lost by a fault of ours, and the host did not
 *	restore it yet: it cannot know that its BARs are closed
 */
struct pcidev {
	struct gmem *mem;
	const struct pcidev_host_ops *host;
	void *host_ctx;
	const struct pcidev_device_ops *device;
	void *device_ctx;

	uint64_t msi_sent, msi_lost, flr, d3_entries, pme_sent, absent;
	bool gone, mute, bare;

	/* private */
	uint16_t device_id;
	uint8_t config[256];
	uint8_t writable[256];
	uint8_t write_one_clears[256];
};

/** pcidev_init() - make a function in its power-on state; sets no ops. */
void pcidev_init(struct pcidev *pci, uint16_t device_id, struct gmem *mem);
/** pcidev_power_on() - reset as by power cycling; ends pcidev_vanish(). */
void pcidev_power_on(struct pcidev *pci);

/*
 * From the transport. Sizes and offsets may be anything that the guest said;
 * reads always fill @size bytes of @data.
 */
void pcidev_config_read(struct pcidev *pci, uint64_t offset, void *data,
			uint32_t size);
void pcidev_config_write(struct pcidev *pci, uint64_t offset, const void *data,
			 uint32_t size);
void pcidev_bar_read(struct pcidev *pci, unsigned int bar, uint64_t offset,
		     void *data, uint32_t size);
void pcidev_bar_write(struct pcidev *pci, unsigned int bar, uint64_t offset,
		      const void *data, uint32_t size);

/*
 * From the device.
 */

/** pcidev_in_d0() - is the function in D0? */
bool pcidev_in_d0(const struct pcidev *pci);
/** pcidev_may_dma() - in D0 and allowed to be bus master? */
bool pcidev_may_dma(const struct pcidev *pci);
/** pcidev_dma() - @len bytes of guest memory, or NULL when out of reach. */
void *pcidev_dma(const struct pcidev *pci, uint64_t addr, uint64_t len);
/** pcidev_msi() - raise the interrupt; lost if the guest does not allow it. */
void pcidev_msi(struct pcidev *pci);
/**
 * pcidev_pme() - ask for a wake-up
 *
 * PME is asserted if, or as soon as, the guest allows it, and once until the
 * guest has acknowledged it.
 */
void pcidev_pme(struct pcidev *pci);

/*
 * What can happen to a function.
 */

/** pcidev_vanish() - fall off the bus. */
void pcidev_vanish(struct pcidev *pci);
/** pcidev_return() - come back as after power-on; also resets the device. */
void pcidev_return(struct pcidev *pci);
/** pcidev_forget() - lose power for a moment: configuration is as after it. */
void pcidev_forget(struct pcidev *pci);

#endif /* IOSM_EMU_PCIDEV_H */
