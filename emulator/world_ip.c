// SPDX-License-Identifier: GPL-2.0-only
/*
 * The addresses of the sessions.
 */
#include <arpa/inet.h>
#include <string.h>

#include "world_backend.h"

void world_addresses(unsigned int session, struct world_ip *ip)
{
	uint32_t net4 = 10u << 24 | 64u << 16 | session << 8;

	memset(ip, 0, sizeof(*ip));
	ip->host4.s_addr = htonl(net4 | 2);
	ip->gateway4.s_addr = htonl(net4 | 1);
	ip->dns4 = ip->gateway4;
	ip->prefix4 = 24;

	ip->gateway6.s6_addr[0] = 0xfd;
	ip->gateway6.s6_addr[1] = 0x64;
	ip->gateway6.s6_addr[3] = (uint8_t)session;
	ip->host6 = ip->gateway6;
	ip->gateway6.s6_addr[15] = 1;
	ip->host6.s6_addr[15] = 2;
	ip->dns6 = ip->gateway6;
	ip->prefix6 = 64;
	ip->mtu = WORLD_MTU;
}
