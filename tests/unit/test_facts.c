// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/xktest.h"

#include "common/facts.h"

/* Every field set to something that its kind makes hard to write. */
static void fill(struct host *h)
{
	host_init(h);
	for (size_t i = 0; i < fact_nr_fields; i++) {
		const struct fact_field *f = &fact_fields[i];
		void *p = (char *)h + f->off;

		switch (f->kind) {
		case FACT_U32: *(uint32_t *)p = 0xfffffff0u + (uint32_t)i % 15; break;
		case FACT_ADDR: *(uint64_t *)p = UINT64_MAX - i; break;
		case FACT_BOOL: *(bool *)p = true; break;
		case FACT_ENUM: *(int *)p = 1; break;
		case FACT_STR:
			*(char **)p = strdup(
				i % 2 ? "a \"quoted\" \\ word \n\x1b[31m\xff " : "trailing space ");
			break;
		case FACT_RANGE:
			*(struct range *)p = (struct range){UINT64_MAX - 5000 + i, UINT64_MAX};
			break;
		case FACT_BLOB:
			for (unsigned n = 0; n < 300; n++)
				buf_append(p, &(uint8_t){(uint8_t)(n + i)}, 1);
			break;
		}
	}
	assert_true(range_list_add(&h->memory, (struct range){0, 0x9fc00}, MEM_RAM));
	assert_true(range_list_add(&h->memory, (struct range){0xa0000, 0x100000}, 77));
	assert_true(range_list_add(&h->memory, (struct range){5, 5}, MEM_NVS));
	assert_true(range_list_add(&h->crash, (struct range){1ull << 40, 2ull << 40}, MEM_RAM));
	for (uint32_t cpu = 0; cpu < 9; cpu++)
		assert_true(host_add_cpu_note(h, 100 * cpu, (enum cpu_note_state)(cpu % 4),
			(struct range){0x1000 * cpu, 0x1000 * cpu + 404}));
	assert_true(host_gap(h, "xen.build-id", "ENOENT: \"%s\"", "/sys/hypervisor"));
	assert_true(host_gap(h, "edd", "none"));
}

static void round_trip(void **state)
{
	struct host a, b;
	struct buf text = {0};
	struct diag d;

	(void)state;
	diag_init(&d);
	fill(&a);
	assert_int_equal(facts_write(&a, &text, &d), XK_OK);
	if (facts_read(buf_bytes(&text), "f", &b, &d))
		fail_msg("%s", d.text);
	assert_true(host_equal(&a, &b));
	/* host_equal compares what is written; look at some values themselves */
	assert_string_equal(a.xen.extra, b.xen.extra);
	assert_string_equal(a.xen.capabilities, b.xen.capabilities);
	assert_int_equal(b.memory.v[1].type, 77);
	assert_int_equal(b.nr_cpu_notes, 9);
	assert_int_equal(b.cpu_notes[6].state, CPU_NOTE_ERANGE);
	assert_int_equal(b.xen.symbols_z.len, 300);
	assert_int_equal(b.xen.symbols_z.data[299], a.xen.symbols_z.data[299]);
	assert_string_equal(host_gap_reason(&b, "xen.build-id"), "ENOENT: \"/sys/hypervisor\"");
	host_deinit(&b);
	host_deinit(&a);
	buf_deinit(&text);
}

/* A difference in any one field must be seen. */
static void differences(void **state)
{
	(void)state;
	for (size_t i = 0; i < fact_nr_fields; i++) {
		struct host a, b;
		void *p;

		fill(&a);
		fill(&b);
		assert_true(host_equal(&a, &b));
		p = (char *)&b + fact_fields[i].off;
		switch (fact_fields[i].kind) {
		case FACT_U32: *(uint32_t *)p -= 1; break;
		case FACT_ADDR: *(uint64_t *)p -= 1; break;
		case FACT_BOOL: *(bool *)p = false; break;
		case FACT_ENUM: *(int *)p = 0; break;
		case FACT_STR: (*(char **)p)[0] ^= 1; break;
		case FACT_RANGE: ((struct range *)p)->start--; break;
		case FACT_BLOB: ((struct buf *)p)->data[299] ^= 1; break;
		}
		assert_false(host_equal(&a, &b));
		host_deinit(&a);
		host_deinit(&b);
	}
}

static void refusals(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"", "first line"},
		{"xenkdump-facts 2\n", "first line"},
		{"xenkdump-facts 1 \n", "first line"},
		{"xenkdump-facts 1\nxen.minor\n", "KEY = VALUE"},
		{"xenkdump-facts 1\nxen.minr = 4\n", "unknown key"},
		{"xenkdump-facts 1\nxen.minor = 4294967296\n", "xen.minor"},
		{"xenkdump-facts 1\nxen.minor = 4x\n", "xen.minor"},
		{"xenkdump-facts 1\nxen.minor = \n", "xen.minor"},
		{"xenkdump-facts 1\nxen.minor = -1\n", "xen.minor"},
		{"xenkdump-facts 1\nxen.minor = 4\nxen.minor = 4\n", "f:3: xen.minor: given twice"},
		{"xenkdump-facts 1\nrsdp = 0x10000000000000000\n", "rsdp"},
		{"xenkdump-facts 1\nrsdp = 0xG\n", "rsdp"},
		{"xenkdump-facts 1\nefi = maybe\n", "yes or no"},
		{"xenkdump-facts 1\nguest = PVX\n", "guest"},
		{"xenkdump-facts 1\nguest = P\n", "guest"},
		{"xenkdump-facts 1\nxen.extra = \"open\n", "quoted string"},
		{"xenkdump-facts 1\nxen.extra = \"a\" b\n", "quoted string"},
		{"xenkdump-facts 1\nxen.extra = \"\\x00\"\n", "quoted string"},
		{"xenkdump-facts 1\nxen.extra = \"\\q\"\n", "quoted string"},
		{"xenkdump-facts 1\nxen.extra = \"\\x1\"\n", "quoted string"},
		{"xenkdump-facts 1\nxen.extra = \"\x1b[2J\"\n", "control"},
		{"xenkdump-facts 1\nxen.image = 0x2000-0x1000\n", "START not above END"},
		{"xenkdump-facts 1\nxen.image = 0x2000\n", "xen.image"},
		{"xenkdump-facts 1\nedd = 3\n\tabcd\n", "ends inside"},
		{"xenkdump-facts 1\nedd = 1\n\tabcd\n", "more bytes"},
		{"xenkdump-facts 1\nedd = 2\n\tabc\n", "pairs"},
		{"xenkdump-facts 1\nedd = 2\n\tabzz\n", "hex"},
		{"xenkdump-facts 1\nedd = 2\nabcd\n", "tab"},
		{"xenkdump-facts 1\nedd = 999999999\n", "64 MiB"},
		{"xenkdump-facts 1\nmemory = 0x0-0x1000\n", "memory"},
		{"xenkdump-facts 1\nmemory = 0x0-0x1000 rom\n", "memory"},
		{"xenkdump-facts 1\nmemory = 0x0-0x1000 ?\n", "memory"},
		{"xenkdump-facts 1\nmemory = 0x0-0x1000 ram \n", "memory"},
		{"xenkdump-facts 1\ncpu-note = 0 here 0x0-0x10\n", "cpu-note"},
		{"xenkdump-facts 1\ncpu-note = 0 present\n", "cpu-note"},
		{"xenkdump-facts 1\nmissing = \"a\"\n", "missing"},
		{"xenkdump-facts 1\nmissing = \"a\" \"b\"\nmissing = \"a\" \"c\"\n",
			"second reason"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bytes text = {(const uint8_t *)rows[i].text, strlen(rows[i].text)};
		struct host h;
		struct diag d;

		diag_init(&d);
		if (facts_read(text, "f", &h, &d) != XK_BAD_INPUT)
			fail_msg("taken: %s", rows[i].text);
		assert_says(d.text, rows[i].says);
		assert_says(d.text, "f:");
	}
}

/* Cut anywhere, the text is either refused or gives a host that can be written again. */
static void truncated(void **state)
{
	struct buf text = {0};
	struct host a;
	struct diag d;
	size_t taken = 0;

	(void)state;
	diag_init(&d);
	fill(&a);
	assert_int_equal(facts_write(&a, &text, &d), XK_OK);
	for (size_t len = 0; len < text.len; len++) {
		struct host b;

		if (facts_read((struct bytes){text.data, len}, "f", &b, &d))
			continue;
		taken++;
		assert_false(len < text.len - 1 && host_equal(&a, &b));
		host_deinit(&b);
	}
	assert_true(taken > 0 && taken < text.len / 2);
	host_deinit(&a);
	buf_deinit(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(differences),
		cmocka_unit_test(refusals),
		cmocka_unit_test(truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
