// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: BASIC_CONNECT: the modem as its user sees it
 *
 * A SIM (with PIN and PUK), a radio, one LTE network that always answers, and
 * a packet context for each session:
 *
 *   SIM unlocked, radio on -> searching -> registered -> attached -> contexts
 *
 * and back: whatever a state rests on takes it down with it. Each change sets
 * a bit in @dirty; mbim_basic_flush() turns the bits into indications after
 * the command that caused them was answered. Contexts that the host activates
 * are answered a moment later, as a network does it.
 *
 * Contexts and the sessions of the MUX are independent: a link carries packets
 * also when no context was activated, because the 7360 has no MBIM.
 */
#include "mbim_basic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity.h"
#include "loop.h"
#include "world.h"

const struct mbim_uuid mbim_uuid_basic_connect = {{
	0xa2, 0x89, 0xcc, 0x33, 0xbc, 0xbb, 0x8b, 0x4f,
	0xb6, 0xb0, 0x13, 0x3e, 0xc2, 0xaa, 0xe6, 0xdf,
}};

static const struct mbim_uuid context_internet = {{
	0x7e, 0x5e, 0x2a, 0x7e, 0x4e, 0x6f, 0x72, 0x72,
	0x73, 0x6b, 0x65, 0x6e, 0x7e, 0x5e, 0x2a, 0x7e,
}};

static const struct mbim_uuid context_none = {{
	0xb4, 0x3f, 0x75, 0x8c, 0xa5, 0x60, 0x4b, 0x46,
	0xb3, 0x5e, 0xc5, 0x86, 0x96, 0x41, 0xfb, 0x54,
}};

enum cid {
	CID_DEVICE_CAPS = 1,
	CID_SUBSCRIBER_READY_STATUS = 2,
	CID_RADIO_STATE = 3,
	CID_PIN = 4,
	CID_PIN_LIST = 5,
	CID_HOME_PROVIDER = 6,
	CID_PREFERRED_PROVIDERS = 7,
	CID_VISIBLE_PROVIDERS = 8,
	CID_REGISTER_STATE = 9,
	CID_PACKET_SERVICE = 10,
	CID_SIGNAL_STATE = 11,
	CID_CONNECT = 12,
	CID_PROVISIONED_CONTEXTS = 13,
	CID_IP_CONFIGURATION = 15,
	CID_DEVICE_SERVICES = 16,
	CID_DEVICE_SERVICE_SUBSCRIBE_LIST = 19,
	CID_PACKET_STATISTICS = 20,
	CID_NETWORK_IDLE_HINT = 21,
	CID_EMERGENCY_MODE = 22,
};

/* The SIM and the network. */
#define IMSI		"001010123456789"
#define ICCID		"8900101012345678904"
#define MSISDN		"+99912345678"
#define OPERATOR_ID	"00101"
#define OPERATOR_NAME	"IOSM Test Net"
#define DEFAULT_APN	"internet"

#define SIM_PIN		"1234"
#define SIM_PUK		"12345678"
#define PIN_TRIES	3u
#define PUK_TRIES	10u
#define PIN_MAX		8u

#define DATA_CLASS_LTE	0x20u
#define CELLULAR_GSM	1u
#define UPLINK_SPEED	75000000u	/* bit/s */
#define DOWNLINK_SPEED	979000000u	/* bit/s */
#define RSSI		24u		/* -65 dBm */
#define ERROR_RATE	0u		/* below 0.01 % */

#define SEARCH_US	50000u		/* from radio on to registered */
#define ACTIVATE_US	5000u		/* the network grants a context */

#define MAX_ACCESS	100u		/* UTF-16 units */
#define MAX_CREDENTIAL	255u
#define MAX_PROVIDER_ID	6u
#define MAX_PROVIDER_NAME 20u
#define MAX_PROVIDERS	16u
#define MAX_CONTEXTS	16u
#define MAX_SUBSCRIPTIONS 32u
#define MAX_EVENT_CIDS	64u
#define TEXT(chars)	((chars) * 3 + 1)

enum { STATE_OFF, STATE_ON };
enum { PIN_PIN1 = 2, PIN_PUK1 = 11 };
enum { PIN_ENTER, PIN_ENABLE, PIN_DISABLE, PIN_CHANGE };
enum { PIN_UNLOCKED, PIN_LOCKED };
enum { READY_INITIALIZED = 1, READY_DEVICE_LOCKED = 6 };
enum { REG_DEREGISTERED = 1, REG_SEARCHING = 2, REG_HOME = 3 };
enum { MODE_AUTOMATIC = 1, MODE_MANUAL = 2 };
enum { PS_ATTACHED = 2, PS_DETACHED = 4 };
enum { ACT_ACTIVATED = 1, ACT_ACTIVATING = 2, ACT_DEACTIVATED = 3 };
enum { IP_DEFAULT, IP_V4, IP_V6, IP_V4V6, IP_V4_AND_V6 };
enum {
	PROVIDER_HOME = 1,
	PROVIDER_PREFERRED = 4,
	PROVIDER_VISIBLE = 8,
	PROVIDER_REGISTERED = 16,
};

/* Bits of @dirty besides one per session for each of the last two. */
#define DIRTY_READY	(1u << 0)
#define DIRTY_RADIO	(1u << 1)
#define DIRTY_REGISTER	(1u << 2)
#define DIRTY_PACKET	(1u << 3)
#define DIRTY_SIGNAL	(1u << 4)
#define DIRTY_CONNECT(s) (1u << (8 + (s)))
#define DIRTY_IP(s)	(1u << (16 + (s)))

/**
 * struct context - the packet context of one session
 * @basic: the service
 * @session: its number
 * @state: ACT_*
 * @ip_type: IP_V4, IP_V6 or IP_V4V6 while not deactivated
 * @type: what it is for
 * @apn: access string it was activated with
 * @waiting: an activation is to be answered
 * @tid: by this transaction
 * @timer: the network's delay
 */
struct context {
	struct mbim_basic *basic;
	unsigned int session;
	uint32_t state, ip_type;
	struct mbim_uuid type;
	char apn[TEXT(MAX_ACCESS)];
	bool waiting;
	uint32_t tid;
	struct loop_timer timer;
};

/* A context that the host stored in the modem. */
struct provisioned {
	bool used;
	struct mbim_uuid type;
	char apn[TEXT(MAX_ACCESS)];
	char user[TEXT(MAX_CREDENTIAL)];
	char password[TEXT(MAX_CREDENTIAL)];
	uint32_t compression, auth;
};

/* CIDs of one service that the host wants indications of; none = all. */
struct subscription {
	uint32_t n_cids;
	uint32_t cids[MAX_EVENT_CIDS];
};

/**
 * struct mbim_basic - the service
 * @loop, @world, @ops, @ctx: from mbim_basic_new()
 * @dirty: DIRTY_* bits of changes that were not indicated yet
 * @radio_on: software switch; the hardware switch is always on
 * @pin_enabled: the SIM asks for its PIN after a restart
 * @pin_verified: and got it
 * @pin: the PIN
 * @pin_tries: attempts left; 0: blocked until the PUK comes
 * @puk_tries: attempts left; 0: blocked for good
 * @register_state: REG_*
 * @register_mode: MODE_*
 * @search: from REG_SEARCHING to REG_HOME
 * @attached: packet service
 * @signal_interval: seconds between signal indications, 0 = none
 * @rssi_threshold, @error_threshold: kept for the host, the signal is constant
 * @signal: runs while the interval is not 0
 * @idle_hint: kept for the host
 * @preferred, @n_preferred: operator ids the host stored
 * @provisioned: contexts the host stored; index = id - 1
 * @subscribed_all: the host has not chosen indications yet
 * @subscribed: the host chose some of this service; see @subscription
 * @subscription: which
 * @context: per session
 */
struct mbim_basic {
	struct loop *loop;
	struct world *world;
	const struct mbim_basic_ops *ops;
	void *ctx;
	uint32_t dirty;

	bool radio_on;
	bool pin_enabled, pin_verified;
	char pin[PIN_MAX + 1];
	uint32_t pin_tries, puk_tries;

	uint32_t register_state, register_mode;
	struct loop_timer search;
	bool attached;

	uint32_t signal_interval, rssi_threshold, error_threshold;
	struct loop_timer signal;
	uint32_t idle_hint;

	struct preferred {
		char id[TEXT(MAX_PROVIDER_ID)];
		char name[TEXT(MAX_PROVIDER_NAME)];
	} preferred[MAX_PROVIDERS];
	unsigned int n_preferred;
	struct provisioned provisioned[MAX_CONTEXTS];

	bool subscribed_all, subscribed;
	struct subscription subscription;

	struct context context[WORLD_SESSIONS];
};

/* ----- state ---------------------------------------------------------- */

static bool sim_locked(const struct mbim_basic *basic)
{
	return basic->pin_tries == 0 ||
	       (basic->pin_enabled && !basic->pin_verified);
}

static void answer_context(struct context *context, enum mbim_status status);

static void context_down(struct context *context)
{
	struct mbim_basic *basic = context->basic;

	if (context->state == ACT_DEACTIVATED)
		return;
	loop_timer_cancel(&context->timer);
	context->state = ACT_DEACTIVATED;
	basic->dirty |= DIRTY_CONNECT(context->session) |
			DIRTY_IP(context->session);
}

/* The network or the host took away what contexts rest on. */
static void contexts_down(struct mbim_basic *basic, enum mbim_status why)
{
	for (unsigned int s = 0; s < WORLD_SESSIONS; s++) {
		struct context *context = &basic->context[s];

		context_down(context);
		answer_context(context, why);
	}
}

static void set_attached(struct mbim_basic *basic, bool attached)
{
	if (basic->attached == attached)
		return;
	basic->attached = attached;
	basic->dirty |= DIRTY_PACKET;
	if (!attached)
		contexts_down(basic, MBIM_STATUS_PACKET_SERVICE_DETACHED);
}

static void set_register_state(struct mbim_basic *basic, uint32_t state)
{
	if (basic->register_state == state)
		return;
	basic->register_state = state;
	basic->dirty |= DIRTY_REGISTER | DIRTY_SIGNAL;
	loop_timer_cancel(&basic->search);
	if (state == REG_SEARCHING)
		loop_timer_arm(&basic->search, SEARCH_US);
	/* Registering with LTE attaches. */
	set_attached(basic, state == REG_HOME);
}

/* The SIM or the radio changed: what does that mean for the network? */
static void reconsider_network(struct mbim_basic *basic)
{
	if (!basic->radio_on || sim_locked(basic))
		set_register_state(basic, REG_DEREGISTERED);
	else if (basic->register_state == REG_DEREGISTERED)
		set_register_state(basic, REG_SEARCHING);
}

static void search_done(void *ctx)
{
	struct mbim_basic *basic = ctx;

	set_register_state(basic, REG_HOME);
	mbim_basic_flush(basic);
}

static void signal_tick(void *ctx)
{
	struct mbim_basic *basic = ctx;

	loop_timer_arm(&basic->signal,
		       (uint64_t)basic->signal_interval * 1000000u);
	basic->dirty |= DIRTY_SIGNAL;
	mbim_basic_flush(basic);
}

/* Why the packet network cannot be used now, or success. */
static enum mbim_status network_status(const struct mbim_basic *basic)
{
	if (sim_locked(basic))
		return MBIM_STATUS_PIN_REQUIRED;
	if (!basic->radio_on)
		return MBIM_STATUS_RADIO_POWER_OFF;
	if (basic->register_state != REG_HOME)
		return MBIM_STATUS_NOT_REGISTERED;
	return MBIM_STATUS_SUCCESS;
}

/* ----- device, SIM ---------------------------------------------------- */

static enum mbim_status query_device_caps(struct mbim_basic *basic,
					  const struct mbim_request *request,
					  struct mbim_buf *info)
{
	size_t custom, id, firmware, hardware;

	(void)basic;
	(void)request;
	mbim_put_u32(info, 1);			/* embedded */
	mbim_put_u32(info, CELLULAR_GSM);
	mbim_put_u32(info, 1);			/* no voice */
	mbim_put_u32(info, 2);			/* removable SIM */
	mbim_put_u32(info, DATA_CLASS_LTE);
	mbim_put_u32(info, 0);			/* no SMS */
	mbim_put_u32(info, 1);			/* manual registration */
	mbim_put_u32(info, WORLD_SESSIONS);
	custom = mbim_put_ref(info);
	id = mbim_put_ref(info);
	firmware = mbim_put_ref(info);
	hardware = mbim_put_ref(info);
	mbim_fill_string(info, 0, custom, "");
	mbim_fill_string(info, 0, id, IDENTITY_IMEI);
	mbim_fill_string(info, 0, firmware, IDENTITY_FIRMWARE);
	mbim_fill_string(info, 0, hardware, IDENTITY_MODEL);
	return MBIM_STATUS_SUCCESS;
}

static void put_ready_status(struct mbim_basic *basic, struct mbim_buf *info)
{
	bool locked = sim_locked(basic);
	size_t imsi, iccid, number = 0;

	mbim_put_u32(info, locked ? READY_DEVICE_LOCKED : READY_INITIALIZED);
	imsi = mbim_put_ref(info);
	iccid = mbim_put_ref(info);
	mbim_put_u32(info, 0);			/* no unique id to protect */
	mbim_put_u32(info, locked ? 0 : 1);
	if (!locked)
		number = mbim_put_ref(info);
	/* A locked SIM tells its number on the card, not the subscriber. */
	mbim_fill_string(info, 0, imsi, locked ? "" : IMSI);
	mbim_fill_string(info, 0, iccid, ICCID);
	if (!locked)
		mbim_fill_string(info, 0, number, MSISDN);
}

static enum mbim_status query_ready_status(struct mbim_basic *basic,
					   const struct mbim_request *request,
					   struct mbim_buf *info)
{
	(void)request;
	put_ready_status(basic, info);
	return MBIM_STATUS_SUCCESS;
}

static void put_radio_state(struct mbim_basic *basic, struct mbim_buf *info)
{
	mbim_put_u32(info, STATE_ON);
	mbim_put_u32(info, basic->radio_on ? STATE_ON : STATE_OFF);
}

static enum mbim_status query_radio_state(struct mbim_basic *basic,
					  const struct mbim_request *request,
					  struct mbim_buf *info)
{
	(void)request;
	put_radio_state(basic, info);
	return MBIM_STATUS_SUCCESS;
}

static enum mbim_status set_radio_state(struct mbim_basic *basic,
					const struct mbim_request *request,
					struct mbim_buf *info)
{
	uint32_t state;

	if (!mbim_get_u32(&request->info, 0, &state) || state > STATE_ON)
		return MBIM_STATUS_INVALID_PARAMETERS;
	if (basic->radio_on != (state == STATE_ON)) {
		basic->radio_on = state == STATE_ON;
		basic->dirty |= DIRTY_RADIO;
		reconsider_network(basic);
	}
	put_radio_state(basic, info);
	return MBIM_STATUS_SUCCESS;
}

/*
 * What has to be entered next. When nothing has to, PIN1 as unlocked with its
 * attempts: tools show the attempts of a PIN that they can name.
 */
static void put_pin(struct mbim_basic *basic, struct mbim_buf *info)
{
	if (basic->pin_tries == 0) {
		mbim_put_u32(info, PIN_PUK1);
		mbim_put_u32(info, PIN_LOCKED);
		mbim_put_u32(info, basic->puk_tries);
	} else {
		mbim_put_u32(info, PIN_PIN1);
		mbim_put_u32(info, sim_locked(basic) ? PIN_LOCKED :
				   PIN_UNLOCKED);
		mbim_put_u32(info, basic->pin_tries);
	}
}

static enum mbim_status query_pin(struct mbim_basic *basic,
				  const struct mbim_request *request,
				  struct mbim_buf *info)
{
	(void)request;
	put_pin(basic, info);
	return MBIM_STATUS_SUCCESS;
}

static bool pin_is_valid(const char *pin)
{
	size_t len = strlen(pin);

	return len >= 4 && len <= PIN_MAX && strspn(pin, "0123456789") == len;
}

/* @pin is valid, so it fits. */
static void store_pin(struct mbim_basic *basic, const char *pin)
{
	memcpy(basic->pin, pin, strlen(pin) + 1);
}

/* Compare with the PIN; a wrong one costs an attempt. */
static bool pin_verify(struct mbim_basic *basic, const char *pin)
{
	if (strcmp(pin, basic->pin) != 0) {
		basic->pin_tries--;
		return false;
	}
	basic->pin_tries = PIN_TRIES;
	return true;
}

static enum mbim_status enter_puk(struct mbim_basic *basic, const char *puk,
				  const char *new_pin)
{
	if (basic->pin_tries != 0)
		return MBIM_STATUS_OPERATION_NOT_ALLOWED;
	if (!pin_is_valid(new_pin))
		return MBIM_STATUS_INVALID_PARAMETERS;
	if (basic->puk_tries == 0)
		return MBIM_STATUS_FAILURE;
	if (strcmp(puk, SIM_PUK) != 0) {
		basic->puk_tries--;
		return MBIM_STATUS_FAILURE;
	}
	store_pin(basic, new_pin);
	basic->puk_tries = PUK_TRIES;
	basic->pin_tries = PIN_TRIES;
	basic->pin_verified = true;
	return MBIM_STATUS_SUCCESS;
}

static enum mbim_status pin_operation(struct mbim_basic *basic,
				      uint32_t operation, const char *pin,
				      const char *new_pin)
{
	if (basic->pin_tries == 0)
		return MBIM_STATUS_FAILURE;	/* the answer asks for the PUK */
	if (operation == PIN_CHANGE && !pin_is_valid(new_pin))
		return MBIM_STATUS_INVALID_PARAMETERS;
	if ((operation == PIN_ENTER || operation == PIN_CHANGE) &&
	    !basic->pin_enabled)
		return MBIM_STATUS_PIN_DISABLED;
	if (!pin_verify(basic, pin))
		return MBIM_STATUS_FAILURE;
	basic->pin_verified = true;
	switch (operation) {
	case PIN_ENABLE:
		basic->pin_enabled = true;
		break;
	case PIN_DISABLE:
		basic->pin_enabled = false;
		break;
	case PIN_CHANGE:
		store_pin(basic, new_pin);
		break;
	default:
		break;
	}
	return MBIM_STATUS_SUCCESS;
}

static enum mbim_status set_pin(struct mbim_basic *basic,
				const struct mbim_request *request,
				struct mbim_buf *info)
{
	const size_t fixed = 24;
	bool locked = sim_locked(basic);
	char pin[TEXT(PIN_MAX)], new_pin[TEXT(PIN_MAX)];
	uint32_t type, operation;
	enum mbim_status status;

	if (!mbim_get_u32(&request->info, 0, &type) ||
	    !mbim_get_u32(&request->info, 4, &operation))
		return MBIM_STATUS_INVALID_PARAMETERS;
	status = mbim_get_string(&request->info, 8, fixed, PIN_MAX, pin);
	if (status == MBIM_STATUS_SUCCESS)
		status = mbim_get_string(&request->info, 16, fixed, PIN_MAX,
					 new_pin);
	if (status != MBIM_STATUS_SUCCESS)
		return status;
	if (operation > PIN_CHANGE)
		return MBIM_STATUS_INVALID_PARAMETERS;

	if (type == PIN_PUK1 && operation == PIN_ENTER)
		status = enter_puk(basic, pin, new_pin);
	else if (type == PIN_PIN1)
		status = pin_operation(basic, operation, pin, new_pin);
	else
		return MBIM_STATUS_NO_DEVICE_SUPPORT;

	if (sim_locked(basic) != locked) {
		basic->dirty |= DIRTY_READY;
		reconsider_network(basic);
	}
	/* A wrong PIN is answered with the attempts that are left. */
	if (status == MBIM_STATUS_SUCCESS || status == MBIM_STATUS_FAILURE)
		put_pin(basic, info);
	return status;
}

static enum mbim_status query_pin_list(struct mbim_basic *basic,
				       const struct mbim_request *request,
				       struct mbim_buf *info)
{
	(void)request;
	/* PIN1, and nine kinds that this device does not have. */
	mbim_put_u32(info, basic->pin_enabled ? 1 : 2);
	mbim_put_u32(info, 1);			/* numeric */
	mbim_put_u32(info, 4);
	mbim_put_u32(info, PIN_MAX);
	for (int i = 1; i < 10; i++) {
		mbim_put_u32(info, 0);		/* not supported */
		mbim_put_u32(info, 0);
		mbim_put_u32(info, 0);
		mbim_put_u32(info, 0);
	}
	return MBIM_STATUS_SUCCESS;
}

/* ----- network -------------------------------------------------------- */

/* One MBIM_PROVIDER structure; its offsets count from its own start. */
static void put_provider(struct mbim_buf *info, const char *id,
			 const char *name, uint32_t state, uint32_t rssi)
{
	size_t base = info->len, id_ref, name_ref;

	id_ref = mbim_put_ref(info);
	mbim_put_u32(info, state);
	name_ref = mbim_put_ref(info);
	mbim_put_u32(info, CELLULAR_GSM);
	mbim_put_u32(info, rssi);
	mbim_put_u32(info, 99);			/* error rate unknown */
	mbim_fill_string(info, base, id_ref, id);
	mbim_fill_string(info, base, name_ref, name);
}

static enum mbim_status query_home_provider(struct mbim_basic *basic,
					    const struct mbim_request *request,
					    struct mbim_buf *info)
{
	uint32_t state = PROVIDER_HOME;

	(void)request;
	if (sim_locked(basic))
		return MBIM_STATUS_PIN_REQUIRED;
	if (basic->register_state == REG_HOME)
		state |= PROVIDER_VISIBLE | PROVIDER_REGISTERED;
	put_provider(info, OPERATOR_ID, OPERATOR_NAME, state,
		     basic->register_state == REG_HOME ? RSSI : 99);
	return MBIM_STATUS_SUCCESS;
}

static enum mbim_status query_preferred(struct mbim_basic *basic,
					const struct mbim_request *request,
					struct mbim_buf *info)
{
	(void)request;
	if (sim_locked(basic))
		return MBIM_STATUS_PIN_REQUIRED;
	mbim_put_u32(info, basic->n_preferred);
	for (unsigned int i = 0; i < basic->n_preferred; i++)
		mbim_put_ref(info);
	for (unsigned int i = 0; i < basic->n_preferred; i++) {
		struct mbim_buf one = { 0 };

		put_provider(&one, basic->preferred[i].id,
			     basic->preferred[i].name, PROVIDER_PREFERRED, 99);
		info->failed |= one.failed;
		mbim_fill_ref(info, 0, 4 + 8 * i, one.data, one.len);
		mbim_buf_free(&one);
	}
	return MBIM_STATUS_SUCCESS;
}

static enum mbim_status set_preferred(struct mbim_basic *basic,
				      const struct mbim_request *request,
				      struct mbim_buf *info)
{
	struct preferred list[MAX_PROVIDERS];
	enum mbim_status status;
	uint32_t n;

	if (sim_locked(basic))
		return MBIM_STATUS_PIN_REQUIRED;
	if (!mbim_get_u32(&request->info, 0, &n))
		return MBIM_STATUS_INVALID_PARAMETERS;
	if (n > MAX_PROVIDERS)
		return MBIM_STATUS_PARAMETER_TOO_LONG;
	for (uint32_t i = 0; i < n; i++) {
		struct mbim_view one;

		if (!mbim_get_ref(&request->info, 4 + 8 * i, 4 + 8 * n, &one) ||
		    one.len < 32)
			return MBIM_STATUS_INVALID_PARAMETERS;
		status = mbim_get_string(&one, 0, 32, MAX_PROVIDER_ID,
					 list[i].id);
		if (status == MBIM_STATUS_SUCCESS)
			status = mbim_get_string(&one, 12, 32,
						 MAX_PROVIDER_NAME,
						 list[i].name);
		if (status != MBIM_STATUS_SUCCESS)
			return status;
	}
	memcpy(basic->preferred, list, n * sizeof(list[0]));
	basic->n_preferred = n;
	return query_preferred(basic, request, info);
}

static enum mbim_status query_visible(struct mbim_basic *basic,
				      const struct mbim_request *request,
				      struct mbim_buf *info)
{
	struct mbim_buf one = { 0 };
	uint32_t action;
	size_t ref;

	if (!mbim_get_u32(&request->info, 0, &action) || action > 1)
		return MBIM_STATUS_INVALID_PARAMETERS;
	if (!basic->radio_on)
		return MBIM_STATUS_RADIO_POWER_OFF;
	mbim_put_u32(info, 1);
	ref = mbim_put_ref(info);
	put_provider(&one, OPERATOR_ID, OPERATOR_NAME,
		     PROVIDER_HOME | PROVIDER_VISIBLE |
		     (basic->register_state == REG_HOME ?
		      PROVIDER_REGISTERED : 0), RSSI);
	info->failed |= one.failed;
	mbim_fill_ref(info, 0, ref, one.data, one.len);
	mbim_buf_free(&one);
	return MBIM_STATUS_SUCCESS;
}

static void put_register_state(struct mbim_basic *basic, struct mbim_buf *info)
{
	bool home = basic->register_state == REG_HOME;
	size_t id, name;

	mbim_put_u32(info, 0);			/* network error */
	mbim_put_u32(info, basic->register_state);
	mbim_put_u32(info, basic->register_mode);
	mbim_put_u32(info, home ? DATA_CLASS_LTE : 0);
	mbim_put_u32(info, CELLULAR_GSM);
	id = mbim_put_ref(info);
	name = mbim_put_ref(info);
	mbim_put_ref(info);			/* no roaming text */
	mbim_put_u32(info, 2);			/* attaches automatically */
	mbim_fill_string(info, 0, id, home ? OPERATOR_ID : "");
	mbim_fill_string(info, 0, name, home ? OPERATOR_NAME : "");
}

static enum mbim_status query_register_state(struct mbim_basic *basic,
					     const struct mbim_request *request,
					     struct mbim_buf *info)
{
	(void)request;
	put_register_state(basic, info);
	return MBIM_STATUS_SUCCESS;
}

static enum mbim_status set_register_state_cmd(struct mbim_basic *basic,
					       const struct mbim_request *request,
					       struct mbim_buf *info)
{
	char provider[TEXT(MAX_PROVIDER_ID)];
	uint32_t action, data_class;
	enum mbim_status status;

	if (!mbim_get_u32(&request->info, 8, &action) ||
	    !mbim_get_u32(&request->info, 12, &data_class) || action > 1)
		return MBIM_STATUS_INVALID_PARAMETERS;
	status = mbim_get_string(&request->info, 0, 16, MAX_PROVIDER_ID,
				 provider);
	if (status != MBIM_STATUS_SUCCESS)
		return status;
	if (sim_locked(basic))
		return MBIM_STATUS_PIN_REQUIRED;
	if (!basic->radio_on)
		return MBIM_STATUS_RADIO_POWER_OFF;
	if (data_class != 0 && !(data_class & DATA_CLASS_LTE))
		return MBIM_STATUS_DATA_CLASS_NOT_AVAILABLE;
	if (action == 1 && strcmp(provider, OPERATOR_ID) != 0)
		return MBIM_STATUS_PROVIDER_NOT_VISIBLE;

	basic->register_mode = action == 1 ? MODE_MANUAL : MODE_AUTOMATIC;
	basic->dirty |= DIRTY_REGISTER;
	set_register_state(basic, REG_HOME);
	put_register_state(basic, info);
	return MBIM_STATUS_SUCCESS;
}

static void put_packet_service(struct mbim_basic *basic, struct mbim_buf *info)
{
	mbim_put_u32(info, 0);			/* network error */
	mbim_put_u32(info, basic->attached ? PS_ATTACHED : PS_DETACHED);
	mbim_put_u32(info, basic->register_state == REG_HOME ?
			   DATA_CLASS_LTE : 0);
	mbim_put_u64(info, basic->attached ? UPLINK_SPEED : 0);
	mbim_put_u64(info, basic->attached ? DOWNLINK_SPEED : 0);
}

static enum mbim_status query_packet_service(struct mbim_basic *basic,
					     const struct mbim_request *request,
					     struct mbim_buf *info)
{
	(void)request;
	put_packet_service(basic, info);
	return MBIM_STATUS_SUCCESS;
}

static enum mbim_status set_packet_service(struct mbim_basic *basic,
					   const struct mbim_request *request,
					   struct mbim_buf *info)
{
	enum mbim_status status;
	uint32_t action;

	if (!mbim_get_u32(&request->info, 0, &action) || action > 1)
		return MBIM_STATUS_INVALID_PARAMETERS;
	status = network_status(basic);
	if (status != MBIM_STATUS_SUCCESS)
		return status;
	set_attached(basic, action == 0);
	put_packet_service(basic, info);
	return MBIM_STATUS_SUCCESS;
}

static void put_signal_state(struct mbim_basic *basic, struct mbim_buf *info)
{
	bool home = basic->register_state == REG_HOME;

	mbim_put_u32(info, home ? RSSI : 99);
	mbim_put_u32(info, home ? ERROR_RATE : 99);
	mbim_put_u32(info, basic->signal_interval);
	mbim_put_u32(info, basic->rssi_threshold);
	mbim_put_u32(info, basic->error_threshold);
}

static enum mbim_status query_signal_state(struct mbim_basic *basic,
					   const struct mbim_request *request,
					   struct mbim_buf *info)
{
	(void)request;
	put_signal_state(basic, info);
	return MBIM_STATUS_SUCCESS;
}

static enum mbim_status set_signal_state(struct mbim_basic *basic,
					 const struct mbim_request *request,
					 struct mbim_buf *info)
{
	uint32_t interval, rssi, error;

	if (!mbim_get_u32(&request->info, 0, &interval) ||
	    !mbim_get_u32(&request->info, 4, &rssi) ||
	    !mbim_get_u32(&request->info, 8, &error))
		return MBIM_STATUS_INVALID_PARAMETERS;
	/* All ones: leave it to the device, which means no reports here. */
	basic->signal_interval = interval == UINT32_MAX ? 0 : interval;
	basic->rssi_threshold = rssi;
	basic->error_threshold = error;
	loop_timer_cancel(&basic->signal);
	if (basic->signal_interval)
		loop_timer_arm(&basic->signal,
			       (uint64_t)basic->signal_interval * 1000000u);
	put_signal_state(basic, info);
	return MBIM_STATUS_SUCCESS;
}

/* ----- contexts ------------------------------------------------------- */

static void put_connect(const struct context *context, struct mbim_buf *info)
{
	bool down = context->state == ACT_DEACTIVATED;

	mbim_put_u32(info, context->session);
	mbim_put_u32(info, context->state);
	mbim_put_u32(info, 0);			/* no voice call */
	mbim_put_u32(info, down ? IP_DEFAULT : context->ip_type);
	mbim_put_uuid(info, &context->type);
	mbim_put_u32(info, 0);			/* network error */
}

static void answer_context(struct context *context, enum mbim_status status)
{
	struct mbim_basic *basic = context->basic;
	struct mbim_buf info = { 0 };

	if (!context->waiting)
		return;
	context->waiting = false;
	put_connect(context, &info);
	basic->ops->complete(basic->ctx, context->tid, CID_CONNECT, status,
			     &info);
	mbim_buf_free(&info);
}

static void context_granted(void *ctx)
{
	struct context *context = ctx;
	struct mbim_basic *basic = context->basic;

	context->state = ACT_ACTIVATED;
	basic->dirty |= DIRTY_CONNECT(context->session) |
			DIRTY_IP(context->session);
	answer_context(context, MBIM_STATUS_SUCCESS);
	mbim_basic_flush(basic);
}

static struct context *find_context(struct mbim_basic *basic,
				    const struct mbim_request *request)
{
	uint32_t session;

	if (!mbim_get_u32(&request->info, 0, &session) ||
	    session >= WORLD_SESSIONS)
		return NULL;
	return &basic->context[session];
}

static enum mbim_status query_connect(struct mbim_basic *basic,
				      const struct mbim_request *request,
				      struct mbim_buf *info)
{
	struct context *context = find_context(basic, request);

	if (!context)
		return MBIM_STATUS_INVALID_PARAMETERS;
	put_connect(context, info);
	return MBIM_STATUS_SUCCESS;
}

static enum mbim_status activate(struct context *context, uint32_t tid,
				 uint32_t ip_type, const char *apn,
				 const struct mbim_uuid *type,
				 struct mbim_buf *info)
{
	struct mbim_basic *basic = context->basic;
	enum mbim_status status = network_status(basic);

	if (ip_type == IP_DEFAULT || ip_type == IP_V4_AND_V6)
		ip_type = IP_V4V6;
	if (status != MBIM_STATUS_SUCCESS)
		return status;
	if (!basic->attached)
		return MBIM_STATUS_PACKET_SERVICE_DETACHED;
	if (context->state == ACT_ACTIVATING)
		return MBIM_STATUS_BUSY;
	if (context->state == ACT_ACTIVATED) {
		/* Asking again for what there is does no harm. */
		if (context->ip_type != ip_type || strcmp(context->apn, apn))
			return MBIM_STATUS_MAX_ACTIVATED_CONTEXTS;
		put_connect(context, info);
		return MBIM_STATUS_SUCCESS;
	}
	context->state = ACT_ACTIVATING;
	context->ip_type = ip_type;
	context->type = *type;
	snprintf(context->apn, sizeof(context->apn), "%s", apn);
	context->waiting = true;
	context->tid = tid;
	loop_timer_arm(&context->timer, ACTIVATE_US);
	return MBIM_DEFERRED;
}

static enum mbim_status set_connect(struct mbim_basic *basic,
				    const struct mbim_request *request,
				    struct mbim_buf *info)
{
	const size_t fixed = 60;
	const struct mbim_view *in = &request->info;
	struct context *context = find_context(basic, request);
	uint32_t activation, compression, auth, ip_type;
	char apn[TEXT(MAX_ACCESS)], credential[TEXT(MAX_CREDENTIAL)];
	enum mbim_status status;
	struct mbim_uuid type;

	if (!context || !mbim_get_u32(in, 4, &activation) ||
	    !mbim_get_u32(in, 32, &compression) ||
	    !mbim_get_u32(in, 36, &auth) || !mbim_get_u32(in, 40, &ip_type) ||
	    !mbim_get_uuid(in, 44, &type) || activation > 1 ||
	    compression > 1 || auth > 3 || ip_type > IP_V4_AND_V6)
		return MBIM_STATUS_INVALID_PARAMETERS;
	status = mbim_get_string(in, 8, fixed, MAX_ACCESS, apn);
	for (size_t at = 16; status == MBIM_STATUS_SUCCESS && at <= 24; at += 8)
		status = mbim_get_string(in, at, fixed, MAX_CREDENTIAL,
					 credential);
	if (status != MBIM_STATUS_SUCCESS)
		return status;
	if (!mbim_uuid_equal(&type, &context_internet))
		return MBIM_STATUS_CONTEXT_NOT_SUPPORTED;

	if (activation)
		return activate(context, request->tid, ip_type, apn, &type,
				info);

	if (context->state == ACT_DEACTIVATED)
		return MBIM_STATUS_CONTEXT_NOT_ACTIVATED;
	context_down(context);
	answer_context(context, MBIM_STATUS_FAILURE);
	put_connect(context, info);
	return MBIM_STATUS_SUCCESS;
}

static void put_provisioned(const struct provisioned *one, uint32_t id,
			    struct mbim_buf *info)
{
	size_t base = info->len, apn, user, password;

	mbim_put_u32(info, id);
	mbim_put_uuid(info, &one->type);
	apn = mbim_put_ref(info);
	user = mbim_put_ref(info);
	password = mbim_put_ref(info);
	mbim_put_u32(info, one->compression);
	mbim_put_u32(info, one->auth);
	mbim_fill_string(info, base, apn, one->apn);
	mbim_fill_string(info, base, user, one->user);
	mbim_fill_string(info, base, password, one->password);
}

static enum mbim_status query_provisioned(struct mbim_basic *basic,
					  const struct mbim_request *request,
					  struct mbim_buf *info)
{
	uint32_t n = 0, k = 0;

	(void)request;
	for (unsigned int i = 0; i < MAX_CONTEXTS; i++)
		n += basic->provisioned[i].used;
	mbim_put_u32(info, n);
	for (uint32_t i = 0; i < n; i++)
		mbim_put_ref(info);
	for (uint32_t i = 0; i < MAX_CONTEXTS; i++) {
		struct mbim_buf one = { 0 };

		if (!basic->provisioned[i].used)
			continue;
		put_provisioned(&basic->provisioned[i], i + 1, &one);
		info->failed |= one.failed;
		mbim_fill_ref(info, 0, 4 + 8 * k++, one.data, one.len);
		mbim_buf_free(&one);
	}
	return MBIM_STATUS_SUCCESS;
}

/* The id names what to replace; all ones: take any free one. */
static enum mbim_status set_provisioned(struct mbim_basic *basic,
					const struct mbim_request *request,
					struct mbim_buf *info)
{
	const size_t fixed = 60;
	const struct mbim_view *in = &request->info;
	struct provisioned new = { .used = true };
	char provider[TEXT(MAX_PROVIDER_ID)];
	enum mbim_status status;
	uint32_t id;

	if (!mbim_get_u32(in, 0, &id) || !mbim_get_uuid(in, 4, &new.type) ||
	    !mbim_get_u32(in, 44, &new.compression) ||
	    !mbim_get_u32(in, 48, &new.auth) || new.compression > 1 ||
	    new.auth > 3)
		return MBIM_STATUS_INVALID_PARAMETERS;
	status = mbim_get_string(in, 20, fixed, MAX_ACCESS, new.apn);
	if (status == MBIM_STATUS_SUCCESS)
		status = mbim_get_string(in, 28, fixed, MAX_CREDENTIAL,
					 new.user);
	if (status == MBIM_STATUS_SUCCESS)
		status = mbim_get_string(in, 36, fixed, MAX_CREDENTIAL,
					 new.password);
	if (status == MBIM_STATUS_SUCCESS)
		status = mbim_get_string(in, 52, fixed, MAX_PROVIDER_ID,
					 provider);
	if (status != MBIM_STATUS_SUCCESS)
		return status;
	if (id == UINT32_MAX) {
		for (id = 1; id <= MAX_CONTEXTS; id++)
			if (!basic->provisioned[id - 1].used)
				break;
		if (id > MAX_CONTEXTS)
			return MBIM_STATUS_WRITE_FAILURE;
	}
	if (id == 0 || id > MAX_CONTEXTS)
		return MBIM_STATUS_INVALID_PARAMETERS;
	/* A context for nothing takes its entry out. */
	if (mbim_uuid_equal(&new.type, &context_none))
		new.used = false;
	basic->provisioned[id - 1] = new;
	return query_provisioned(basic, request, info);
}

static void put_ip_configuration(struct mbim_basic *basic,
				 const struct context *context,
				 struct mbim_buf *info)
{
	bool up = context->state == ACT_ACTIVATED;
	bool v4 = up && context->ip_type != IP_V6;
	bool v6 = up && context->ip_type != IP_V4;
	struct world_ip ip;
	uint32_t at = 60;

	world_ip(basic->world, context->session, &ip);
	mbim_put_u32(info, context->session);
	mbim_put_u32(info, v4 ? 0xf : 0);	/* address, gateway, DNS, MTU */
	mbim_put_u32(info, v6 ? 0xf : 0);
	mbim_put_u32(info, v4 ? 1 : 0);
	mbim_put_u32(info, v4 ? at : 0);
	at += v4 ? 8 : 0;
	mbim_put_u32(info, v6 ? 1 : 0);
	mbim_put_u32(info, v6 ? at : 0);
	at += v6 ? 20 : 0;
	mbim_put_u32(info, v4 ? at : 0);	/* gateways */
	at += v4 ? 4 : 0;
	mbim_put_u32(info, v6 ? at : 0);
	at += v6 ? 16 : 0;
	mbim_put_u32(info, v4 ? 1 : 0);		/* DNS servers */
	mbim_put_u32(info, v4 ? at : 0);
	at += v4 ? 4 : 0;
	mbim_put_u32(info, v6 ? 1 : 0);
	mbim_put_u32(info, v6 ? at : 0);
	mbim_put_u32(info, v4 ? ip.mtu : 0);
	mbim_put_u32(info, v6 ? ip.mtu : 0);

	/* The data, in the order of the offsets above. */
	if (v4) {
		mbim_put_u32(info, ip.prefix4);
		mbim_put_bytes(info, &ip.host4, 4);
	}
	if (v6) {
		mbim_put_u32(info, ip.prefix6);
		mbim_put_bytes(info, &ip.host6, 16);
	}
	if (v4)
		mbim_put_bytes(info, &ip.gateway4, 4);
	if (v6)
		mbim_put_bytes(info, &ip.gateway6, 16);
	if (v4)
		mbim_put_bytes(info, &ip.dns4, 4);
	if (v6)
		mbim_put_bytes(info, &ip.dns6, 16);
}

static enum mbim_status query_ip_configuration(struct mbim_basic *basic,
					       const struct mbim_request *request,
					       struct mbim_buf *info)
{
	struct context *context = find_context(basic, request);

	if (!context)
		return MBIM_STATUS_INVALID_PARAMETERS;
	if (context->state != ACT_ACTIVATED)
		return MBIM_STATUS_CONTEXT_NOT_ACTIVATED;
	put_ip_configuration(basic, context, info);
	return MBIM_STATUS_SUCCESS;
}

static uint32_t saturate32(uint64_t value)
{
	return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static enum mbim_status query_statistics(struct mbim_basic *basic,
					 const struct mbim_request *request,
					 struct mbim_buf *info)
{
	struct world_counters sum = { 0 };

	(void)request;
	for (unsigned int s = 0; s < WORLD_SESSIONS; s++) {
		struct world_counters one;

		world_counters(basic->world, s, &one);
		sum.ul_packets += one.ul_packets;
		sum.ul_bytes += one.ul_bytes;
		sum.dl_packets += one.dl_packets;
		sum.dl_bytes += one.dl_bytes;
		sum.dl_dropped += one.dl_dropped;
	}
	mbim_put_u32(info, saturate32(sum.dl_dropped));
	mbim_put_u32(info, 0);
	mbim_put_u64(info, sum.dl_bytes);
	mbim_put_u64(info, sum.dl_packets);
	mbim_put_u64(info, sum.ul_bytes);
	mbim_put_u64(info, sum.ul_packets);
	mbim_put_u32(info, 0);
	mbim_put_u32(info, 0);
	return MBIM_STATUS_SUCCESS;
}

static enum mbim_status query_idle_hint(struct mbim_basic *basic,
					const struct mbim_request *request,
					struct mbim_buf *info)
{
	(void)request;
	mbim_put_u32(info, basic->idle_hint);
	return MBIM_STATUS_SUCCESS;
}

static enum mbim_status set_idle_hint(struct mbim_basic *basic,
				      const struct mbim_request *request,
				      struct mbim_buf *info)
{
	uint32_t hint;

	if (!mbim_get_u32(&request->info, 0, &hint) || hint > 1)
		return MBIM_STATUS_INVALID_PARAMETERS;
	basic->idle_hint = hint;
	return query_idle_hint(basic, request, info);
}

static enum mbim_status query_emergency_mode(struct mbim_basic *basic,
					     const struct mbim_request *request,
					     struct mbim_buf *info)
{
	(void)basic;
	(void)request;
	mbim_put_u32(info, 0);			/* no emergency calls */
	return MBIM_STATUS_SUCCESS;
}

/* ----- services, subscriptions ---------------------------------------- */

static enum mbim_status query_device_services(struct mbim_basic *basic,
					      const struct mbim_request *request,
					      struct mbim_buf *info);

static void put_subscriptions(struct mbim_basic *basic, struct mbim_buf *info)
{
	struct mbim_buf one = { 0 };
	bool some = basic->subscribed || basic->subscribed_all;

	mbim_put_u32(info, some ? 1 : 0);
	if (!some)
		return;
	mbim_put_ref(info);
	mbim_put_uuid(&one, &mbim_uuid_basic_connect);
	mbim_put_u32(&one, basic->subscription.n_cids);
	for (uint32_t i = 0; i < basic->subscription.n_cids; i++)
		mbim_put_u32(&one, basic->subscription.cids[i]);
	info->failed |= one.failed;
	mbim_fill_ref(info, 0, 4, one.data, one.len);
	mbim_buf_free(&one);
}

static enum mbim_status set_subscribe_list(struct mbim_basic *basic,
					   const struct mbim_request *request,
					   struct mbim_buf *info)
{
	struct subscription new = { 0 };
	bool subscribed = false;
	uint32_t n;

	if (!mbim_get_u32(&request->info, 0, &n))
		return MBIM_STATUS_INVALID_PARAMETERS;
	if (n > MAX_SUBSCRIPTIONS)
		return MBIM_STATUS_PARAMETER_TOO_LONG;
	for (uint32_t i = 0; i < n; i++) {
		struct mbim_view entry;
		struct mbim_uuid uuid;
		uint32_t cids;

		if (!mbim_get_ref(&request->info, 4 + 8 * i, 4 + 8 * n,
				  &entry) ||
		    !mbim_get_uuid(&entry, 0, &uuid) ||
		    !mbim_get_u32(&entry, 16, &cids) ||
		    entry.len - 20 != (size_t)cids * 4)
			return MBIM_STATUS_INVALID_PARAMETERS;
		/* Other services are not here and so indicate nothing. */
		if (!mbim_uuid_equal(&uuid, &mbim_uuid_basic_connect))
			continue;
		if (cids > MAX_EVENT_CIDS)
			return MBIM_STATUS_PARAMETER_TOO_LONG;
		subscribed = true;
		new.n_cids = cids;
		for (uint32_t k = 0; k < cids; k++)
			new.cids[k] = mbim_le32(entry.data + 20 + 4 * k);
	}
	basic->subscribed_all = false;
	basic->subscribed = subscribed;
	basic->subscription = new;
	put_subscriptions(basic, info);
	return MBIM_STATUS_SUCCESS;
}

static bool wants(const struct mbim_basic *basic, uint32_t cid)
{
	if (basic->subscribed_all)
		return true;
	if (!basic->subscribed)
		return false;
	if (basic->subscription.n_cids == 0)
		return true;
	for (uint32_t i = 0; i < basic->subscription.n_cids; i++)
		if (basic->subscription.cids[i] == cid)
			return true;
	return false;
}

/* ----- dispatch ------------------------------------------------------- */

typedef enum mbim_status (*handler_t)(struct mbim_basic *basic,
				      const struct mbim_request *request,
				      struct mbim_buf *info);

/**
 * struct command - one CID
 * @cid: its number
 * @name: for the log
 * @query: handler, or NULL when it cannot be queried
 * @query_len: exact length of the query's information buffer
 * @set: handler, or NULL when it cannot be set
 * @set_len: least length of the set's information buffer
 */
struct command {
	enum cid cid;
	const char *name;
	handler_t query;
	size_t query_len;
	handler_t set;
	size_t set_len;
};

static const struct command commands[] = {
	{ CID_DEVICE_CAPS, "device caps", query_device_caps, 0, NULL, 0 },
	{ CID_SUBSCRIBER_READY_STATUS, "subscriber ready status",
	  query_ready_status, 0, NULL, 0 },
	{ CID_RADIO_STATE, "radio state", query_radio_state, 0,
	  set_radio_state, 4 },
	{ CID_PIN, "pin", query_pin, 0, set_pin, 24 },
	{ CID_PIN_LIST, "pin list", query_pin_list, 0, NULL, 0 },
	{ CID_HOME_PROVIDER, "home provider", query_home_provider, 0,
	  NULL, 0 },
	{ CID_PREFERRED_PROVIDERS, "preferred providers", query_preferred, 0,
	  set_preferred, 4 },
	{ CID_VISIBLE_PROVIDERS, "visible providers", query_visible, 4,
	  NULL, 0 },
	{ CID_REGISTER_STATE, "register state", query_register_state, 0,
	  set_register_state_cmd, 16 },
	{ CID_PACKET_SERVICE, "packet service", query_packet_service, 0,
	  set_packet_service, 4 },
	{ CID_SIGNAL_STATE, "signal state", query_signal_state, 0,
	  set_signal_state, 12 },
	{ CID_CONNECT, "connect", query_connect, 36, set_connect, 60 },
	{ CID_PROVISIONED_CONTEXTS, "provisioned contexts", query_provisioned,
	  0, set_provisioned, 60 },
	{ CID_IP_CONFIGURATION, "ip configuration", query_ip_configuration, 60,
	  NULL, 0 },
	{ CID_DEVICE_SERVICES, "device services", query_device_services, 0,
	  NULL, 0 },
	{ CID_DEVICE_SERVICE_SUBSCRIBE_LIST, "device service subscribe list",
	  NULL, 0, set_subscribe_list, 4 },
	{ CID_PACKET_STATISTICS, "packet statistics", query_statistics, 0,
	  NULL, 0 },
	{ CID_NETWORK_IDLE_HINT, "network idle hint", query_idle_hint, 0,
	  set_idle_hint, 4 },
	{ CID_EMERGENCY_MODE, "emergency mode", query_emergency_mode, 0,
	  NULL, 0 },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static enum mbim_status query_device_services(struct mbim_basic *basic,
					      const struct mbim_request *request,
					      struct mbim_buf *info)
{
	struct mbim_buf one = { 0 };

	(void)basic;
	(void)request;
	mbim_put_uuid(&one, &mbim_uuid_basic_connect);
	mbim_put_u32(&one, 0);			/* no DSS payload */
	mbim_put_u32(&one, 0);			/* no DSS instances */
	mbim_put_u32(&one, N_COMMANDS);
	for (size_t i = 0; i < N_COMMANDS; i++)
		mbim_put_u32(&one, commands[i].cid);

	mbim_put_u32(info, 1);
	mbim_put_u32(info, 0);			/* no DSS sessions */
	mbim_put_ref(info);
	info->failed |= one.failed;
	mbim_fill_ref(info, 0, 8, one.data, one.len);
	mbim_buf_free(&one);
	return MBIM_STATUS_SUCCESS;
}

static const struct command *find_command(uint32_t cid)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (commands[i].cid == cid)
			return &commands[i];
	return NULL;
}

const char *mbim_basic_cid_name(uint32_t cid)
{
	const struct command *command = find_command(cid);

	return command ? command->name : "?";
}

enum mbim_status mbim_basic_command(struct mbim_basic *basic,
				    const struct mbim_request *request,
				    struct mbim_buf *info)
{
	const struct command *command = find_command(request->cid);

	if (!command || !(request->set ? command->set : command->query))
		return MBIM_STATUS_NO_DEVICE_SUPPORT;
	if (request->set) {
		if (request->info.len < command->set_len)
			return MBIM_STATUS_INVALID_PARAMETERS;
		return command->set(basic, request, info);
	}
	if (request->info.len != command->query_len)
		return MBIM_STATUS_INVALID_PARAMETERS;
	return command->query(basic, request, info);
}

/* ----- indications ---------------------------------------------------- */

static void indicate(struct mbim_basic *basic, uint32_t cid,
		     struct mbim_buf *info)
{
	if (wants(basic, cid))
		basic->ops->indicate(basic->ctx, cid, info);
	mbim_buf_free(info);
}

void mbim_basic_flush(struct mbim_basic *basic)
{
	static const struct {
		uint32_t bit, cid;
		void (*put)(struct mbim_basic *basic, struct mbim_buf *info);
	} news[] = {
		{ DIRTY_READY, CID_SUBSCRIBER_READY_STATUS, put_ready_status },
		{ DIRTY_RADIO, CID_RADIO_STATE, put_radio_state },
		{ DIRTY_REGISTER, CID_REGISTER_STATE, put_register_state },
		{ DIRTY_PACKET, CID_PACKET_SERVICE, put_packet_service },
		{ DIRTY_SIGNAL, CID_SIGNAL_STATE, put_signal_state },
	};
	uint32_t dirty = basic->dirty;

	basic->dirty = 0;
	for (size_t i = 0; i < sizeof(news) / sizeof(news[0]); i++) {
		struct mbim_buf info = { 0 };

		if (!(dirty & news[i].bit))
			continue;
		news[i].put(basic, &info);
		indicate(basic, news[i].cid, &info);
	}
	for (unsigned int s = 0; s < WORLD_SESSIONS; s++) {
		const struct context *context = &basic->context[s];
		struct mbim_buf info = { 0 };

		if (dirty & DIRTY_CONNECT(s)) {
			put_connect(context, &info);
			indicate(basic, CID_CONNECT, &info);
		}
		if (dirty & DIRTY_IP(s)) {
			put_ip_configuration(basic, context, &info);
			indicate(basic, CID_IP_CONFIGURATION, &info);
		}
	}
}

/* ----- life ----------------------------------------------------------- */

bool mbim_basic_cancel(struct mbim_basic *basic, uint32_t tid)
{
	for (unsigned int s = 0; s < WORLD_SESSIONS; s++) {
		struct context *context = &basic->context[s];

		if (!context->waiting || context->tid != tid)
			continue;
		context->waiting = false;
		context_down(context);
		return true;
	}
	return false;
}

void mbim_basic_abandon(struct mbim_basic *basic)
{
	for (unsigned int s = 0; s < WORLD_SESSIONS; s++)
		basic->context[s].waiting = false;
}

void mbim_basic_close(struct mbim_basic *basic)
{
	mbim_basic_abandon(basic);
	contexts_down(basic, MBIM_STATUS_FAILURE);
	loop_timer_cancel(&basic->signal);
	basic->signal_interval = 0;
	basic->subscribed_all = true;
	basic->subscribed = false;
	memset(&basic->subscription, 0, sizeof(basic->subscription));
	basic->dirty = 0;
}

static void boot(struct mbim_basic *basic)
{
	bool online;

	basic->radio_on = true;
	basic->pin_verified = false;
	basic->register_mode = MODE_AUTOMATIC;
	basic->idle_hint = 0;
	loop_timer_cancel(&basic->search);
	/* The modem has been running for a while when the host sees it. */
	online = !sim_locked(basic);
	basic->register_state = online ? REG_HOME : REG_DEREGISTERED;
	basic->attached = online;
	basic->dirty = 0;
}

void mbim_basic_reset(struct mbim_basic *basic)
{
	mbim_basic_close(basic);
	boot(basic);
}

struct mbim_basic *mbim_basic_new(struct loop *loop, struct world *world,
				  const struct mbim_basic_ops *ops, void *ctx)
{
	struct mbim_basic *basic = calloc(1, sizeof(*basic));

	if (!basic)
		return NULL;
	basic->loop = loop;
	basic->world = world;
	basic->ops = ops;
	basic->ctx = ctx;
	loop_timer_init(&basic->search, loop, search_done, basic);
	loop_timer_init(&basic->signal, loop, signal_tick, basic);
	for (unsigned int s = 0; s < WORLD_SESSIONS; s++) {
		struct context *context = &basic->context[s];

		context->basic = basic;
		context->session = s;
		context->state = ACT_DEACTIVATED;
		context->type = context_internet;
		loop_timer_init(&context->timer, loop, context_granted,
				context);
	}
	store_pin(basic, SIM_PIN);
	basic->pin_tries = PIN_TRIES;
	basic->puk_tries = PUK_TRIES;
	basic->subscribed_all = true;
	basic->provisioned[0].used = true;
	basic->provisioned[0].type = context_internet;
	snprintf(basic->provisioned[0].apn, sizeof(basic->provisioned[0].apn),
		 "%s", DEFAULT_APN);
	boot(basic);
	return basic;
}

void mbim_basic_free(struct mbim_basic *basic)
{
	if (!basic)
		return;
	loop_timer_cancel(&basic->search);
	loop_timer_cancel(&basic->signal);
	for (unsigned int s = 0; s < WORLD_SESSIONS; s++)
		loop_timer_cancel(&basic->context[s].timer);
	free(basic);
}
