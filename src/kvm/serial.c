/* SPDX-License-Identifier: MIT */
/*
 * A 16550A UART.
 *
 * The transmitter is empty as soon as a byte is written, so each write raises
 * the transmitter-empty condition anew. The interrupt is an edge: it is
 * signalled when the first condition becomes pending, and again when one
 * becomes pending after a driver has taken them all.
 *
 * When the console refuses output, the access stays here and so do all later
 * ones, which keeps their order.
 *
 * Source: National Semiconductor PC16550D data sheet, section 8.
 */
#include "kvm/serial.h"

#include "base/irq.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	REG_DATA = 0,	    /* RBR, THR; divisor low */
	REG_INT_ENABLE = 1, /* IER; divisor high */
	REG_INT_ID = 2,	    /* IIR; FCR */
	REG_LINE_CONTROL = 3,
	REG_MODEM_CONTROL = 4,
	REG_LINE_STATUS = 5,
	REG_MODEM_STATUS = 6,
	REG_SCRATCH = 7,
	N_REGS = 8,
};

#define IER_RX		0x01
#define IER_THRE	0x02
#define IER_MASK	0x0f
#define IIR_NONE	0x01
#define IIR_THRE	0x02
#define IIR_RX		0x04
#define IIR_FIFO	0xc0
#define FCR_ENABLE	0x01
#define FCR_CLEAR_RX	0x02
#define LCR_DIVISOR	0x80
#define MCR_DTR		0x01
#define MCR_RTS		0x02
#define MCR_OUT1	0x04
#define MCR_OUT2	0x08
#define MCR_LOOP	0x10
#define MCR_MASK	0x1f
#define LSR_DATA	0x01
#define LSR_EMPTY	0x60 /* THRE and TEMT */
#define MSR_CTS		0x10
#define MSR_DSR		0x20
#define MSR_RI		0x40
#define MSR_DCD		0x80
#define DEFAULT_DIVISOR 12 /* 9600 baud */

static uint8_t line_status(const struct serial *serial)
{
	return (uint8_t)(LSR_EMPTY | (serial->rx_fill ? LSR_DATA : 0));
}

static uint8_t interrupt_id(const struct serial *serial)
{
	if ((serial->ier & IER_RX) && serial->rx_fill)
		return IIR_RX;
	if ((serial->ier & IER_THRE) && serial->thre_pending)
		return IIR_THRE;
	return IIR_NONE;
}

/* After every change: the interrupt line, and what vCPUs may see. In loopback
 * a byte sent is a byte received, which a vCPU must not miss. */
static void update(struct serial *serial)
{
	bool line = interrupt_id(serial) != IIR_NONE;

	if (line && !serial->irq_line)
		eventfd_signal(serial->irq_fd);
	serial->irq_line = line;
	atomic_store(&serial->line_status,
		     serial->mcr & MCR_LOOP ? 0 : line_status(serial));
}

static void receive(struct serial *serial, unsigned char byte)
{
	if (serial->rx_fill == SERIAL_FIFO)
		return;
	serial->rx[(serial->rx_head + serial->rx_fill) % SERIAL_FIFO] = byte;
	serial->rx_fill++;
}

static uint8_t read_data(struct serial *serial)
{
	uint8_t byte;

	if (!serial->rx_fill)
		return 0;
	byte = serial->rx[serial->rx_head];
	serial->rx_head = (serial->rx_head + 1) % SERIAL_FIFO;
	serial->rx_fill--;
	console_input_room(serial->console);
	return byte;
}

static uint8_t read_interrupt_id(struct serial *serial)
{
	uint8_t id = interrupt_id(serial);

	if (id == IIR_THRE) { /* seen */
		serial->thre_pending = false;
		serial->irq_line = false;
	}
	return id | (serial->fifo_enabled ? IIR_FIFO : 0);
}

static uint8_t modem_status(const struct serial *serial)
{
	uint8_t mcr = serial->mcr;

	if (!(mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	return (uint8_t)((mcr & MCR_RTS ? MSR_CTS : 0) |
			 (mcr & MCR_DTR ? MSR_DSR : 0) |
			 (mcr & MCR_OUT1 ? MSR_RI : 0) |
			 (mcr & MCR_OUT2 ? MSR_DCD : 0));
}

static uint8_t read_register(struct serial *serial, uint64_t reg)
{
	bool divisor = serial->lcr & LCR_DIVISOR;

	switch (reg) {
	case REG_DATA:
		return divisor ? (uint8_t)serial->divisor : read_data(serial);
	case REG_INT_ENABLE:
		return divisor ? (uint8_t)(serial->divisor >> 8) : serial->ier;
	case REG_INT_ID:
		return read_interrupt_id(serial);
	case REG_LINE_CONTROL:
		return serial->lcr;
	case REG_MODEM_CONTROL:
		return serial->mcr;
	case REG_LINE_STATUS:
		return line_status(serial);
	case REG_MODEM_STATUS:
		return modem_status(serial);
	default:
		return serial->scr;
	}
}

/* False: the console is full. */
static bool transmit(struct serial *serial, uint8_t byte)
{
	if (serial->mcr & MCR_LOOP)
		receive(serial, byte);
	else if (!console_put(serial->console, byte))
		return false;
	serial->thre_pending = true;
	serial->irq_line = false;
	return true;
}

static void write_int_enable(struct serial *serial, uint8_t value)
{
	if ((value & IER_THRE) && !(serial->ier & IER_THRE))
		serial->thre_pending = true;
	serial->ier = value & IER_MASK;
}

static void write_fifo_control(struct serial *serial, uint8_t value)
{
	serial->fifo_enabled = value & FCR_ENABLE;
	if (value & FCR_CLEAR_RX) {
		serial->rx_fill = 0;
		console_input_room(serial->console);
	}
}

static void set_divisor(struct serial *serial, uint8_t value, bool high)
{
	unsigned int low = serial->divisor & 0x00ffU;
	unsigned int top = serial->divisor & 0xff00U;

	if (high)
		top = (unsigned int)value << 8;
	else
		low = value;
	serial->divisor = (uint16_t)(top | low);
}

/* False: not now. */
static bool write_register(struct serial *serial, uint64_t reg, uint8_t value)
{
	bool divisor = serial->lcr & LCR_DIVISOR;

	switch (reg) {
	case REG_DATA:
		if (!divisor)
			return transmit(serial, value);
		set_divisor(serial, value, false);
		break;
	case REG_INT_ENABLE:
		if (divisor)
			set_divisor(serial, value, true);
		else
			write_int_enable(serial, value);
		break;
	case REG_INT_ID:
		write_fifo_control(serial, value);
		break;
	case REG_LINE_CONTROL:
		serial->lcr = value;
		break;
	case REG_MODEM_CONTROL:
		serial->mcr = value & MCR_MASK;
		break;
	case REG_SCRATCH:
		serial->scr = value;
		break;
	default: /* the status registers are read-only */
		break;
	}
	return true;
}

/* False: the access has to wait. */
static bool perform(struct serial *serial, struct bus_access *access)
{
	if (access->size != 1) {
		bus_unclaimed(access);
		return true;
	}
	if (!access->is_write)
		access->value = read_register(serial, access->offset);
	else if (!write_register(serial, access->offset,
				 (uint8_t)access->value))
		return false;
	update(serial);
	bus_access_done(access);
	return true;
}

static void serial_access(void *device, struct bus_access *access)
{
	struct serial *serial = device;

	if (serial->n_held || !perform(serial, access))
		serial->held[serial->n_held++].access = access;
}

void serial_output_room(struct serial *serial)
{
	size_t n = 0;

	while (n < serial->n_held && perform(serial, serial->held[n].access))
		n++;
	serial->n_held -= n;
	memmove(serial->held, serial->held + n,
		serial->n_held * sizeof(serial->held[0]));
}

size_t serial_input_room(const struct serial *serial)
{
	return SERIAL_FIFO - serial->rx_fill;
}

void serial_input(struct serial *serial, const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		receive(serial, bytes[i]);
	update(serial);
}

bool serial_peek(const struct serial *serial, uint64_t port,
		 unsigned char *byte)
{
	uint8_t status;

	if (port != LAYOUT_PORT_COM1 + REG_LINE_STATUS)
		return false;
	status = atomic_load(&serial->line_status);
	if (!status)
		return false;
	*byte = status;
	return true;
}

void serial_reset(struct serial *serial)
{
	serial->ier = 0;
	serial->lcr = 0;
	serial->mcr = 0;
	serial->scr = 0;
	serial->divisor = DEFAULT_DIVISOR;
	serial->fifo_enabled = false;
	serial->thre_pending = false;
	serial->irq_line = false;
	serial->rx_fill = 0;
	(void)eventfd_take(serial->irq_fd);
	/* Output that waits was the old guest's. */
	for (size_t i = 0; i < serial->n_held; i++)
		bus_access_done(serial->held[i].access);
	serial->n_held = 0;
	update(serial);
	console_input_room(serial->console);
}

int serial_init(struct serial *serial, struct bus *ports,
		struct console *console, size_t max_accesses)
{
	memset(serial, 0, sizeof(*serial));
	serial->console = console;
	serial->max_held = max_accesses;
	serial->irq_fd = eventfd_create();
	if (serial->irq_fd < 0)
		return serial->irq_fd;
	serial->held = calloc(max_accesses, sizeof(serial->held[0]));
	if (!serial->held) {
		serial_fini(serial);
		return -ENOMEM;
	}
	serial->divisor = DEFAULT_DIVISOR;
	update(serial);
	serial->range = (struct bus_range){
		.base = LAYOUT_PORT_COM1,
		.size = N_REGS,
		.access = serial_access,
		.device = serial,
	};
	bus_add(ports, &serial->range);
	return 0;
}

void serial_fini(struct serial *serial)
{
	free(serial->held);
	serial->held = NULL;
	close_fd(&serial->irq_fd);
}
