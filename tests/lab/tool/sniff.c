/* SPDX-License-Identifier: MIT */
/*
 * sniff: count and keep the frames of one interface.
 *
 * A packet socket sees a frame as the interface's owner hands it over, before
 * anybody cuts a GSO frame, which is what the lab wants to know. Goes to the
 * background once it is bound; SIGTERM makes it write the report and end. The
 * capture keeps the first SNAP bytes of the first KEEP frames.
 *
 * The report has a line for each direction as the interface sees it: "out" are
 * frames that this system sends, "in" are those that the other end sent:
 *   out frames N max BYTES big N udp-big N
 * where "big" counts frames above an Ethernet frame of MTU 1500 (1514 bytes).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

#define SNAP 128
#define KEEP 20000

struct sniff_count {
	unsigned long frames;
	unsigned long big;
	unsigned long udp_big;
	unsigned long max;
};

struct sniff {
	int sock;
	FILE *pcap;
	FILE *report;
	unsigned long kept;
	struct sniff_count out;
	struct sniff_count in;
};

struct pcap_file_header {
	uint32_t magic;
	uint16_t major;
	uint16_t minor;
	uint32_t zone;
	uint32_t sigfigs;
	uint32_t snaplen;
	uint32_t linktype;
};

struct pcap_frame_header {
	uint32_t sec;
	uint32_t usec;
	uint32_t kept;
	uint32_t len;
};

static bool frame_is_udp(const unsigned char *frame, size_t kept)
{
	uint16_t type;

	if (kept < 34)
		return false;
	memcpy(&type, frame + 12, sizeof(type));
	if (type == htons(ETH_P_IP))
		return frame[23] == IPPROTO_UDP;
	return type == htons(ETH_P_IPV6) && frame[20] == IPPROTO_UDP;
}

static void frame_count(struct sniff_count *count, const unsigned char *frame,
			size_t kept, size_t len)
{
	count->frames++;
	if (len > count->max)
		count->max = len;
	if (len > 1514) {
		count->big++;
		if (frame_is_udp(frame, kept))
			count->udp_big++;
	}
}

static void frame_keep(struct sniff *sniff, const unsigned char *frame,
		       size_t kept, size_t len)
{
	struct timespec now;
	struct pcap_frame_header header;

	if (sniff->kept++ >= KEEP)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	header.sec = (uint32_t)now.tv_sec;
	header.usec = (uint32_t)(now.tv_nsec / 1000);
	header.kept = (uint32_t)kept;
	header.len = (uint32_t)len;
	if (fwrite(&header, sizeof(header), 1, sniff->pcap) != 1 ||
	    fwrite(frame, kept, 1, sniff->pcap) != 1)
		sniff->kept = KEEP;
}

static void report_line(FILE *to, const char *way, const struct sniff_count *is)
{
	fprintf(to, "%s frames %lu max %lu big %lu udp-big %lu\n", way,
		is->frames, is->max, is->big, is->udp_big);
}

static int sniff_open(struct sniff *sniff, const char *iface)
{
	const int room = 8 << 20;
	struct sockaddr_ll addr = {.sll_family = AF_PACKET,
				   .sll_protocol = htons(ETH_P_ALL)};

	addr.sll_ifindex = (int)if_nametoindex(iface);
	if (addr.sll_ifindex == 0)
		return -errno;
	sniff->sock =
		socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	if (sniff->sock < 0)
		return -errno;
	setsockopt(sniff->sock, SOL_SOCKET, SO_RCVBUFFORCE, &room,
		   sizeof(room));
	if (bind(sniff->sock, (void *)&addr, sizeof(addr)) != 0)
		return -errno;
	return 0;
}

/* Take every frame that is waiting. */
static void sniff_drain(struct sniff *sniff)
{
	unsigned char frame[SNAP];
	struct sockaddr_ll from;
	socklen_t from_len = sizeof(from);
	ssize_t len;

	while ((len = recvfrom(sniff->sock, frame, sizeof(frame),
			       MSG_TRUNC | MSG_DONTWAIT, (void *)&from,
			       &from_len)) > 0) {
		size_t kept = (size_t)len < SNAP ? (size_t)len : SNAP;

		frame_count(from.sll_pkttype == PACKET_OUTGOING ? &sniff->out
								: &sniff->in,
			    frame, kept, (size_t)len);
		frame_keep(sniff, frame, kept, (size_t)len);
		from_len = sizeof(from);
	}
}

/* Take frames until SIGTERM, which @ended turns readable for. */
static void sniff_run(struct sniff *sniff, int ended)
{
	struct pollfd fds[] = {
		{.fd = sniff->sock, .events = POLLIN},
		{.fd = ended, .events = POLLIN},
	};

	while ((fds[1].revents & POLLIN) == 0) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		sniff_drain(sniff);
	}
}

/* IFACE PCAP REPORT */
int lab_sniff(char **argv)
{
	struct sniff sniff = {.sock = -1};
	sigset_t term;
	int ended;
	const struct pcap_file_header head = {0xa1b2c3d4, 2, 4, 0, 0, SNAP, 1};
	int err = sniff_open(&sniff, argv[0]);

	if (err) {
		errno = -err;
		return lab_fail(argv[0]);
	}
	sniff.pcap = fopen(argv[1], "we");
	sniff.report = fopen(argv[2], "we");
	if (!sniff.pcap || !sniff.report)
		return lab_fail("sniff");
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	ended = signalfd(-1, &term, SFD_CLOEXEC);
	if (ended < 0)
		return lab_fail("signalfd");
	if (lab_background() != 0)
		return 1;
	if (fwrite(&head, sizeof(head), 1, sniff.pcap) != 1)
		return 1;
	sniff_run(&sniff, ended);
	report_line(sniff.report, "out", &sniff.out);
	report_line(sniff.report, "in", &sniff.in);
	close(sniff.sock);
	close(ended);
	return fclose(sniff.report) | fclose(sniff.pcap);
}
