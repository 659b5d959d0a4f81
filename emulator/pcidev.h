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
 * @reset: the function was reset (power-on, guest gone, function-level reset)
 * @power: the function entered (@d0 false) or left (@d0 true) D3hot
 */
struct pcidev_device_ops {
	void (*read)(void *ctx, unsigned int bar, uint32_t offset, void *data,
		     uint32_t size);
	void (*write)(void *ctx, unsigned int bar, uint32_t offset,
		      const void *data, uint32_t size);
	void (*reset)(void *ctx);
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
 */
struct pcidev {
	struct gmem *mem;
	const struct pcidev_host_ops *host;
	void *host_ctx;
	const struct pcidev_device_ops *device;
	void *device_ctx;

	uint64_t msi_sent, msi_lost, flr;

	/* private */
	uint16_t device_id;
	uint8_t config[256];
	uint8_t writable[256];
	uint8_t write_one_clears[256];
};

/** pcidev_init() - make a function in its power-on state; sets no ops. */
void pcidev_init(struct pcidev *pci, uint16_t device_id, struct gmem *mem);
/** pcidev_power_on() - reset as by power cycling. */
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
/** pcidev_pme() - ask for a wake-up from D3hot, if the guest allowed it. */
void pcidev_pme(struct pcidev *pci);

#endif /* IOSM_EMU_PCIDEV_H */
