/* SPDX-License-Identifier: MIT */
/*
 * virtio-pci under a stream of operations; see virtio_stream.h.
 */
#include "fuzz/virtio_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	virtio_stream_run(virtio_pci_create, data, size);
	return 0;
}
