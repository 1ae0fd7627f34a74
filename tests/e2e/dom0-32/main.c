// SPDX-License-Identifier: GPL-2.0-only
/* The test kernel's way: p2m, facts, marker, then the plan if there is one, and the crash. */
#include "dom0.h"
#include "hypercall.h"

#define ENTRIES	   (PAGE_LEN / 4)
#define MID_PAGES  4 /* each for 4 GiB of dom0's memory */
#define MARKER_LEN 64

typedef uint32_t frame_page[ENTRIES] __attribute__((aligned(PAGE_LEN)));

static frame_page top, mids[MID_PAGES], missing_mid, missing_leaf;
static uint8_t marker_page[PAGE_LEN] __attribute__((aligned(PAGE_LEN)));
static uint8_t shared_page[PAGE_LEN] __attribute__((aligned(PAGE_LEN)));
static struct text facts, frame;

void dom0_main(const struct start_info *si);

_Noreturn void give_up(const char *why, int32_t value)
{
	frame.len = 0;
	text_add(&frame, "gave up: ");
	text_add(&frame, why);
	frame.data[frame.len] = '\0';
	say_value(frame.data, value);
	shut_down(SHUTDOWN_REBOOT);
}

static uint32_t pfn_of(const volatile void *p)
{
	return (virt(p) - VIRT_BASE) / PAGE_LEN;
}

/* The shared info page is Xen's: it takes the place of one of ours in the page tables. */
static volatile struct shared_info *map_shared_info(const struct start_info *si)
{
	int32_t ret = hypercall(HYPERCALL_UPDATE_VA_MAPPING, virt(shared_page),
		si->shared_info | PTE_RW_DATA, 0, UVMF_INVLPG);

	if (ret)
		give_up("cannot map the shared info page", ret);
	return (volatile struct shared_info *)shared_page;
}

/*
 * dom0's own memory for whoever reads a dump: three levels of 32-bit machine page numbers, the
 * leaves being the list that Xen's domain builder made, as a 32-bit PV Linux hangs them up.
 */
static void publish_p2m(const struct start_info *si, volatile struct shared_info *shared)
{
	uint32_t *p2m = (uint32_t *)si->mfn_list;
	uint32_t leaves = (si->nr_pages + ENTRIES - 1) / ENTRIES;

	if (leaves > MID_PAGES * ENTRIES)
		give_up("more pages than the frame list has room for", (int32_t)si->nr_pages);
	for (uint32_t i = si->nr_pages; i < leaves * ENTRIES; i++)
		p2m[i] = ~0U;
	for (uint32_t i = 0; i < ENTRIES; i++) {
		missing_leaf[i] = ~0U;
		missing_mid[i] = p2m[pfn_of(missing_leaf)];
		top[i] = p2m[pfn_of(missing_mid)];
	}
	for (uint32_t i = 0; i < MID_PAGES; i++) {
		for (uint32_t j = 0; j < ENTRIES; j++) {
			uint32_t leaf = i * ENTRIES + j;

			mids[i][j] =
				leaf < leaves ? p2m[pfn_of(p2m + leaf * ENTRIES)] : missing_mid[0];
		}
		top[i] = p2m[pfn_of(mids[i])];
	}
	shared->max_pfn = si->nr_pages;
	shared->frame_list_list = p2m[pfn_of(top)];
}

static const char *word_value(const char *line, const char *key)
{
	for (const char *s = line; *s; s++) {
		const char *p = s, *k = key;

		if (s != line && s[-1] != ' ')
			continue;
		while (*k && *p == *k) {
			p++;
			k++;
		}
		if (!*k)
			return p;
	}
	return NULL;
}

static int32_t nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* marker=HEX of the command line into a page of its own. */
static void plant_marker(const struct start_info *si)
{
	const char *hex = word_value(si->cmd_line, "marker=");
	const uint32_t *p2m = (const uint32_t *)si->mfn_list;

	if (!hex)
		give_up("no marker on the command line", 0);
	for (int32_t i = 0; i < MARKER_LEN; i++) {
		int32_t high = nibble(hex[2 * i]), low = high < 0 ? -1 : nibble(hex[2 * i + 1]);

		if (low < 0)
			give_up("marker: bad digit of byte", i);
		marker_page[i] = (uint8_t)(high << 4 | low);
	}
	frame.len = 0;
	text_add(&frame, "@@marker pfn ");
	text_hex(&frame, pfn_of(marker_page));
	text_add(&frame, " mfn ");
	text_hex(&frame, p2m[pfn_of(marker_page)]);
	text_add(&frame, "@@\n");
	text_print(&frame);
}

static void print_facts(void)
{
	facts_collect(&facts);
	if (facts.full)
		give_up("the facts need more room", (int32_t)facts.len);
	say("facts begin");
	text_print(&facts);
	frame.len = 0;
	text_add(&frame, "@@facts end ");
	text_dec(&frame, facts.len);
	text_add(&frame, " ");
	text_hex(&frame, text_crc32(&facts));
	text_add(&frame, "@@\n");
	text_print(&frame);
}

void dom0_main(const struct start_info *si)
{
	const void *module = (const void *)si->mod_start;

	say_value("dom0-32 pages", (int32_t)si->nr_pages);
	publish_p2m(si, map_shared_info(si));
	plant_marker(si);
	print_facts();
	if (!si->mod_len || !plan_present(module, si->mod_len)) {
		say("no plan");
		shut_down(SHUTDOWN_REBOOT);
	}
	plan_load(module, si->mod_len);
	say("crashing");
	shut_down(SHUTDOWN_CRASH);
}
