/* The least that the kernel takes for a ring: namespaces, veth pairs, addresses and rates over netlink, without a
 * process for any of them. Threads share the nodes.
 *
 *     floor NODES THREADS       makes a ring floor-0, floor-1, ... below /run/netns
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RATE = 100000000 / 8, BURST = 50000, LIMIT = 312500 };

static int nodes, threads;
static int *namespaces;
static pthread_barrier_t everybody;

static int checked(int result, const char *what)
{
	if (result < 0)
		error(1, errno, "%s", what);
	return result;
}

/* --- messages -------------------------------------------------------------------------------------------------- */

struct message {
	struct nlmsghdr head;
	char room[4096];
};

static char *end_of(struct message *message)
{
	return (char *)message + NLMSG_ALIGN(message->head.nlmsg_len);
}

static void *begin(struct message *message, int type, int flags, int size)
{
	memset(message, 0, sizeof *message);
	message->head.nlmsg_type = type;
	message->head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	message->head.nlmsg_len = NLMSG_LENGTH(size);
	return NLMSG_DATA(&message->head);
}

static struct rtattr *attribute(struct message *message, int type, const void *value, int size)
{
	struct rtattr *added = (struct rtattr *)end_of(message);

	added->rta_type = type;
	added->rta_len = RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(added), value, size);
	message->head.nlmsg_len = NLMSG_ALIGN(message->head.nlmsg_len) + RTA_SPACE(size);
	return added;
}

static void text(struct message *message, int type, const char *value)
{
	attribute(message, type, value, strlen(value) + 1);
}

/* What was added since an attribute is in it. */
static void enclose(struct message *message, struct rtattr *outer)
{
	outer->rta_len = end_of(message) - (char *)outer;
}

static void ask(int netlink, struct message *message, const char *what)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr answer;
		char rest[4096];
	} reply;

	checked(send(netlink, message, message->head.nlmsg_len, 0), what);
	checked(recv(netlink, &reply, sizeof reply, 0), what);
	if (reply.answer.error) {
		errno = -reply.answer.error;
		checked(-1, what);
	}
}

/* --- what is made ---------------------------------------------------------------------------------------------- */

static void make_namespace(int node)
{
	char path[64];
	int forward;

	checked(unshare(CLONE_NEWNET), "unshare");
	snprintf(path, sizeof path, "/run/netns/floor-%d", node);
	close(checked(open(path, O_RDONLY | O_CREAT, 0), path));
	checked(mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL), path);
	namespaces[node] = checked(open(path, O_RDONLY), path);
	forward = checked(open("/proc/sys/net/ipv4/ip_forward", O_WRONLY), "ip_forward");
	checked(write(forward, "1", 1), "ip_forward");
	close(forward);
}

static int enter(int node)
{
	checked(setns(namespaces[node], CLONE_NEWNET), "setns");
	return checked(socket(AF_NETLINK, SOCK_RAW, 0), "socket");
}

/* A pair to the next node. */
static void make_link(int node)
{
	struct message message;
	struct rtattr *info, *data, *peer;
	int netlink = enter(node);

	begin(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	text(&message, IFLA_IFNAME, "right");
	info = attribute(&message, IFLA_LINKINFO, NULL, 0);
	text(&message, IFLA_INFO_KIND, "veth");
	data = attribute(&message, IFLA_INFO_DATA, NULL, 0);
	peer = attribute(&message, VETH_INFO_PEER, NULL, 0);
	message.head.nlmsg_len += sizeof(struct ifinfomsg);
	text(&message, IFLA_IFNAME, "left");
	attribute(&message, IFLA_NET_NS_FD, &namespaces[(node + 1) % nodes], sizeof(int));
	enclose(&message, peer);
	enclose(&message, data);
	enclose(&message, info);
	ask(netlink, &message, "link");
	close(netlink);
}

static void set_up(int netlink, int index)
{
	struct message message;
	struct ifinfomsg *link = begin(&message, RTM_NEWLINK, 0, sizeof *link);

	link->ifi_index = index;
	link->ifi_flags = link->ifi_change = IFF_UP;
	ask(netlink, &message, "up");
}

static void add_address(int netlink, int index, unsigned number)
{
	struct message message;
	struct ifaddrmsg *address = begin(&message, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof *address);
	struct in_addr own = {htonl((10u << 24) + number)};

	address->ifa_family = AF_INET;
	address->ifa_prefixlen = 30;
	address->ifa_index = index;
	attribute(&message, IFA_LOCAL, &own, sizeof own);
	attribute(&message, IFA_ADDRESS, &own, sizeof own);
	ask(netlink, &message, "address");
}

static void add_rate(int netlink, int index)
{
	struct message message;
	struct tcmsg *queue = begin(&message, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, sizeof *queue);
	struct tc_tbf_qopt shape = {.limit = LIMIT, .buffer = BURST * 15.625 / (RATE / 1e6)};
	unsigned burst = BURST, times[256];
	struct rtattr *options;

	queue->tcm_ifindex = index;
	queue->tcm_parent = TC_H_ROOT;
	queue->tcm_handle = 1 << 16;
	shape.rate.rate = RATE;
	shape.rate.cell_log = 3;
	shape.rate.linklayer = TC_LINKLAYER_ETHERNET;
	for (int cell = 0; cell < 256; cell++)
		times[cell] = (cell + 1) * 8 * 15.625 / (RATE / 1e6);
	text(&message, TCA_KIND, "tbf");
	options = attribute(&message, TCA_OPTIONS, NULL, 0);
	attribute(&message, TCA_TBF_PARMS, &shape, sizeof shape);
	attribute(&message, TCA_TBF_BURST, &burst, sizeof burst);
	attribute(&message, TCA_TBF_RTAB, times, sizeof times);
	enclose(&message, options);
	ask(netlink, &message, "rate");
}

static void configure(int node)
{
	int netlink = enter(node);
	int left = if_nametoindex("left"), right = if_nametoindex("right");
	int before = (node + nodes - 1) % nodes;

	set_up(netlink, 1);
	add_rate(netlink, right);
	add_rate(netlink, left);
	add_address(netlink, right, 4 * node + 1);
	set_up(netlink, right);
	add_address(netlink, left, 4 * before + 2);
	set_up(netlink, left);
	close(netlink);
}

static void *work(void *first)
{
	void (*const steps[])(int) = {make_namespace, make_link, configure};

	for (int step = 0; step < 3; step++) {
		for (int node = (long)first; node < nodes; node += threads)
			steps[step](node);
		pthread_barrier_wait(&everybody);
	}
	return NULL;
}

int main(int count, char **words)
{
	pthread_t others[64];

	if (count != 3 || (nodes = atoi(words[1])) < 3 || (threads = atoi(words[2])) < 1 || threads > 64)
		error(2, 0, "usage: floor NODES THREADS");
	namespaces = calloc(nodes, sizeof *namespaces);
	pthread_barrier_init(&everybody, NULL, threads);
	for (long thread = 0; thread < threads; thread++)
		if (pthread_create(&others[thread], NULL, work, (void *)thread))
			error(1, 0, "no thread");
	for (int thread = 0; thread < threads; thread++)
		pthread_join(others[thread], NULL);
	return 0;
}
