# SPDX-License-Identifier: GPL-2.0
#
# Two readers: Kbuild, in a kernel tree or for an external module, and people
# ("make help").

ifneq ($(KERNELRELEASE),)

# An external build of a kernel that does not know our Kconfig, or that has the
# driver switched off, still builds the module.
ifneq ($(KBUILD_EXTMOD),)
ifeq ($(filter y m,$(CONFIG_IOSM)),)
CONFIG_IOSM := m
endif
ifneq ($(wildcard $(src)/compat/compat.h),)
ccflags-y += -include $(src)/compat/compat.h -I$(src)/compat/include
endif
endif

obj-$(CONFIG_IOSM) += iosm.o

# From the bottom of the house to its roof.
iosm-y := iosm_ipc_pcie.o
iosm-y += iosm_ipc_events.o
iosm-y += iosm_ipc_pm.o
iosm-y += iosm_ipc_protocol.o
iosm-y += iosm_ipc_channels.o
iosm-y += iosm_ipc_imem.o
iosm-y += iosm_ipc_host.o
iosm-y += iosm_ipc_boot.o
iosm-y += iosm_ipc_mux_wire.o
iosm-y += iosm_ipc_packet.o
iosm-y += iosm_ipc_mux_ul.o
iosm-y += iosm_ipc_mux_dl.o
iosm-y += iosm_ipc_mux.o
iosm-y += iosm_ipc_buffers.o
iosm-y += iosm_ipc_port.o
iosm-y += iosm_ipc_wwan.o
ifeq ($(CONFIG_WWAN_DEBUGFS)$(CONFIG_RELAY),yy)
iosm-y += iosm_ipc_trace.o
endif
iosm-y += iosm_ipc_report.o
iosm-y += iosm_ipc_flash_wire.o
iosm-y += iosm_ipc_flash_link.o
iosm-y += iosm_ipc_flash.o
iosm-y += iosm_ipc_coredump.o
iosm-y += iosm_ipc_debugfs.o
iosm-y += iosm_ipc_devlink.o
iosm-y += iosm_ipc_devlink_fw.o
iosm-y += iosm_ipc_devlink_region.o

iosm-$(CONFIG_IOSM_KUNIT_TEST) += $(patsubst $(src)/%.c,%.o,$(sort $(wildcard $(src)/kunit/*.c)))

# Tracepoints, and the unit tests, include headers from here.
ccflags-y += -I$(src)

else

include tools/people.mk

endif
