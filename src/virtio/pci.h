/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_VIRTIO_PCI_H
#define EVNIC_VIRTIO_PCI_H

/*
 * Where a virtio-pci function keeps its register blocks. Drivers find them
 * through the capabilities; tests know them from here. Offsets into BAR 0.
 */

#define VIRTIO_PCI_VENDOR_ID	  0x1af4
#define VIRTIO_PCI_DEVICE_ID_BASE 0x1040
#define VIRTIO_PCI_REVISION	  1

#define VIRTIO_PCI_BAR_SIZE	 0x4000
#define VIRTIO_PCI_COMMON_OFFSET 0x0000
#define VIRTIO_PCI_COMMON_LEN	 60
#define VIRTIO_PCI_ISR_OFFSET	 0x1000
#define VIRTIO_PCI_ISR_LEN	 1
#define VIRTIO_PCI_DEVICE_OFFSET 0x2000
#define VIRTIO_PCI_NOTIFY_OFFSET 0x3000
#define VIRTIO_PCI_NOTIFY_STRIDE 4

#endif
