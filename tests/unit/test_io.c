// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <cmocka.h>

#include "common/decompress.h"
#include "common/io.h"
#include "tests/unit/mkbz.h"

/* Takes read() over: with `hostile_read`, every second call is interrupted and the others give
 * at most that many bytes. */
static size_t hostile_read;

ssize_t read(int fd, void *buf, size_t len)
{
	static unsigned calls;

	if (hostile_read && calls++ % 2 == 0) {
		errno = EINTR;
		return -1;
	}
	if (hostile_read && len > hostile_read)
		len = hostile_read;
	return syscall(SYS_read, fd, buf, len);
}

static char dir[] = "/tmp/xk-test-io-XXXXXX";

static const char *at(const char *name)
{
	static char path[32][128];
	static unsigned i;

	i = (i + 1) % 32;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static void put(const char *name, const void *data, size_t len)
{
	FILE *f = fopen(at(name), "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
}

static struct buf gzip(const void *data, size_t len)
{
	z_stream z = {0};
	struct buf b = {0};

	assert_int_equal(
		deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	buf_zero(&b, deflateBound(&z, len));
	z.next_in = (Bytef *)(uintptr_t)data;
	z.avail_in = (uInt)len;
	z.next_out = b.data;
	z.avail_out = (uInt)b.len;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	b.len = z.total_out;
	deflateEnd(&z);
	return b;
}

static struct buf zstd(const void *data, size_t len, bool with_size)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	struct buf b = {0};

	ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, with_size);
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	buf_zero(&b, ZSTD_compressBound(len));
	b.len = ZSTD_compress2(c, b.data, b.len, data, len);
	assert_false(ZSTD_isError(b.len));
	ZSTD_freeCCtx(c);
	return b;
}

static struct buf xz(const void *data, size_t len)
{
	struct buf b = {0};
	size_t n = 0;

	buf_zero(&b, lzma_stream_buffer_bound(len));
	assert_int_equal(
		lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, data, len, b.data, &n, b.len),
		LZMA_OK);
	b.len = n;
	return b;
}

/* Noise, as a packed kernel is, so that a claimed size is plausible. */
static struct buf kernel(void)
{
	struct mkbz m = mkbz_default();
	uint32_t noise = 1;
	struct buf b;

	/* Larger than the decoder's chunk, and not a multiple of anything */
	m.kernel_size = 200000 / 16 * 16 + 7;
	b = mkbz_build(&m);
	for (size_t i = 5 * 512; i < b.len; i++) {
		noise = noise * 1664525 + 1013904223;
		b.data[i] = (uint8_t)(noise >> 24);
	}
	return b;
}

/* An allocator that counts, and does something to a file in between, as another process may. */
static struct {
	size_t live, peak, calls;
	const char *resize_path;
	off_t resize_to;
	bool fail;
} mem;

static void *test_alloc(void *ctx, size_t len)
{
	(void)ctx;
	mem.calls++;
	if (mem.resize_path)
		assert_int_equal(truncate(mem.resize_path, mem.resize_to), 0);
	if (mem.fail) {
		errno = ENOSPC;
		return NULL;
	}
	mem.live += len;
	mem.peak = mem.live > mem.peak ? mem.live : mem.peak;
	return payload_plain.alloc(NULL, len);
}

static void test_release(void *ctx, void *p, size_t len)
{
	(void)ctx;
	mem.live -= len;
	payload_plain.release(NULL, p, len);
}

static const struct payload_alloc test_mem = {test_alloc, test_release, NULL};

static void expect_kernel(const char *name, const struct buf *want, size_t calls)
{
	struct payload p;
	struct diag d;

	diag_init(&d);
	memset(&mem, 0, sizeof(mem));
	if (payload_read_kernel(at(name), &test_mem, &p, &d) != XK_OK)
		fail_msg("%s", d.text);
	assert_int_equal(p.len, want->len);
	assert_memory_equal(p.data, want->data, want->len);
	assert_int_equal((uintptr_t)p.data % 4096, 0);
	assert_int_equal(p.size, align_up(want->len, 4096));
	/* one buffer of the right size, whatever the file claimed */
	assert_int_equal(mem.calls, calls);
	assert_true(mem.peak <= align_up(want->len, 4096));
	payload_deinit(&p);
	assert_int_equal(mem.live, 0);
	assert_null(p.data);
}

static void expect_refusal(const char *path, enum xk_status status, const char *says)
{
	struct payload p = {.len = 0x7777};
	struct diag d;

	diag_init(&d);
	assert_int_equal(payload_read_kernel(path, &test_mem, &p, &d), status);
	if (!strstr(d.text, says) || !strstr(d.text, path))
		fail_msg("\"%s\" lacks \"%s\" or the path", d.text, says);
	assert_int_equal(p.len, 0x7777);
	assert_int_equal(mem.live, 0);
}

static void reads_kernels(void **state)
{
	struct buf k = kernel(), z = gzip(k.data, k.len), s = zstd(k.data, k.len, true);
	struct buf u = zstd(k.data, k.len, false), x = xz(k.data, k.len);

	(void)state;
	put("plain", k.data, k.len);
	put("gz", z.data, z.len);
	put("zst", s.data, s.len);
	put("zst-unsized", u.data, u.len);
	put("xz", x.data, x.len);
	for (hostile_read = 0; hostile_read < 2000; hostile_read += 999) {
		expect_kernel("plain", &k, 1);
		expect_kernel("gz", &k, 1);
		expect_kernel("zst", &k, 1);
		expect_kernel("zst-unsized", &k, 1); /* counted first */
		expect_kernel("xz", &k, 1);
	}
	hostile_read = 0;
	buf_deinit(&k);
	buf_deinit(&z);
	buf_deinit(&s);
	buf_deinit(&u);
	buf_deinit(&x);
}

/* Claims about the size that are wrong, members that follow each other, padding. */
static void reads_odd_gzip(void **state)
{
	struct buf k = kernel(), a = gzip(k.data, 1000), z = gzip(k.data + 1000, k.len - 1000);
	struct buf bomb = {0}, packed;
	struct payload p;
	struct diag d;

	(void)state;
	buf_append(&a, z.data, z.len); /* ISIZE says k.len - 1000 */
	put("two", a.data, a.len);
	expect_kernel("two", &k, 2);
	buf_zero(&a, 512); /* tape padding; its last four bytes say 0 */
	put("padded", a.data, a.len);
	expect_kernel("padded", &k, 1);
	buf_append(&a, "x", 1);
	put("junk", a.data, a.len);
	expect_refusal(at("junk"), XK_BAD_INPUT, "followed by something else");
	/* A claim of 4 GiB for 200 KB is not believed, and the content shows that it is wrong. */
	memset(z.data + z.len - 4, 0xff, 4);
	put("isize", z.data, z.len);
	memset(&mem, 0, sizeof(mem));
	expect_refusal(at("isize"), XK_BAD_INPUT, "gzip data is damaged");
	assert_int_equal(mem.calls, 0);
	/* 40 MiB of zeros pack to 40 KB: beyond the ratio that is believed, so counted first */
	buf_zero(&bomb, 40 * MiB);
	packed = gzip(bomb.data, bomb.len);
	put("bomb", packed.data, packed.len);
	diag_init(&d);
	assert_int_equal(payload_read_kernel(at("bomb"), &payload_plain, &p, &d), XK_OK);
	assert_int_equal(p.len, 40 * MiB);
	payload_deinit(&p);
	buf_deinit(&bomb);
	buf_deinit(&packed);
	packed = gzip("", 0);
	put("hollow", packed.data, packed.len);
	expect_refusal(at("hollow"), XK_BAD_INPUT, "holds nothing");
	buf_deinit(&packed);
	buf_deinit(&k);
	buf_deinit(&a);
	buf_deinit(&z);
}

static void refuses_damage(void **state)
{
	struct buf k = kernel();
	struct buf packed[] = {gzip(k.data, k.len), zstd(k.data, k.len, true), xz(k.data, k.len)};
	const char *const kind[] = {"gzip", "zstd", "xz"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(packed); i++) {
		struct buf *b = &packed[i];
		const size_t cuts[] = {b->len - 1, b->len - 5, b->len / 2, 20, 7};

		for (size_t c = 0; c < ARRAY_SIZE(cuts); c++) {
			put("cut", b->data, cuts[c]);
			expect_refusal(at("cut"), XK_BAD_INPUT, "truncated");
			expect_refusal(at("cut"), XK_BAD_INPUT, kind[i]);
		}
		/* The last bytes hold a checksum or its like in each format. */
		b->data[b->len - 5] ^= 0x10;
		put("bad", b->data, b->len);
		expect_refusal(at("bad"), XK_BAD_INPUT, "damaged");
		b->data[b->len - 5] ^= 0x10;
		buf_append(b, "sixteen bytes...", 16);
		put("tail", b->data, b->len);
		expect_refusal(at("tail"), XK_BAD_INPUT, "followed by something else");
		buf_deinit(b);
	}
	buf_deinit(&k);
}

static enum xk_status bytes_source(void *ctx, uint8_t *buf, size_t cap, size_t *ret, struct diag *d)
{
	struct bytes *b = ctx;

	(void)d;
	*ret = b->len < cap ? b->len : cap;
	memcpy(buf, b->data, *ret);
	b->data += *ret;
	b->len -= *ret;
	return XK_OK;
}

/* unpack() by itself: the limit, and counting beyond the room given. */
static void unpacks_within_limits(void **state)
{
	struct buf k = kernel(), z = gzip(k.data, k.len);
	struct bytes b = buf_bytes(&z);
	uint8_t few[100];
	uint64_t len = 0;
	struct diag d;

	(void)state;
	diag_init(&d);
	assert_int_equal(unpack(COMP_GZIP, (struct unpack_source){bytes_source, &b}, few, 100,
				 k.len, &len, &d),
		XK_OK);
	assert_int_equal(len, k.len);
	assert_memory_equal(few, k.data, 100);
	b = buf_bytes(&z);
	assert_int_equal(unpack(COMP_GZIP, (struct unpack_source){bytes_source, &b}, NULL, 0,
				 k.len - 1, &len, &d),
		XK_BAD_INPUT);
	assert_non_null(strstr(d.text, "larger than"));
	b = buf_bytes(&z);
	assert_int_equal(
		unpack(COMP_XZ, (struct unpack_source){bytes_source, &b}, NULL, 0, MiB, &len, &d),
		XK_BAD_INPUT);
	assert_int_equal(
		unpack(COMP_NONE, (struct unpack_source){bytes_source, &b}, NULL, 0, MiB, &len, &d),
		XK_BAD_INPUT);
	buf_deinit(&k);
	buf_deinit(&z);
}

static void detects_by_magic(void **state)
{
	(void)state;
#define B(s) ((struct bytes){(const uint8_t *)s, sizeof(s) - 1})
	assert_int_equal(compression_detect(B("\x1f\x8b")), COMP_GZIP);
	assert_int_equal(compression_detect(B("\x28\xb5\x2f\xfd")), COMP_ZSTD);
	assert_int_equal(compression_detect(B("\xfd\x37zXZ\0")), COMP_XZ);
	assert_int_equal(compression_detect(B("\x1f")), COMP_NONE);
	assert_int_equal(compression_detect(B("\x28\xb5\x2f")), COMP_NONE);
	assert_int_equal(compression_detect(B("\xfd\x37zXZ\1")), COMP_NONE);
	assert_int_equal(compression_detect(B("")), COMP_NONE);
	assert_int_equal(unpack_hint(COMP_GZIP, B(""), B("\1\2\3")), 0);
	assert_int_equal(unpack_hint(COMP_GZIP, B(""), B("xx\1\2\3\4")), 0x04030201);
	assert_int_equal(unpack_hint(COMP_ZSTD, B("\x28\xb5\x2f\xfd"), B("")), 0);
	assert_int_equal(unpack_hint(COMP_XZ, B(""), B("12345678901YZ")), 0);
#undef B
}

static void refuses_what_is_no_file(void **state)
{
	(void)state;
	memset(&mem, 0, sizeof(mem));
	expect_refusal(at("absent"), XK_IO, "No such file");
	expect_refusal(dir, XK_IO, "is a folder");
	assert_int_equal(mkfifo(at("fifo"), 0600), 0);
	expect_refusal(at("fifo"), XK_IO, "is a pipe");
	expect_refusal("/dev/null", XK_IO, "is a device");
	put("empty", "", 0);
	expect_refusal(at("empty"), XK_BAD_INPUT, "is empty");
	put("huge", "", 0);
	assert_int_equal(truncate(at("huge"), (off_t)(GiB + 1)), 0);
	expect_refusal(at("huge"), XK_BAD_INPUT, "1024 MiB");
	assert_int_equal(mem.calls, 0);
}

static void notices_changes(void **state)
{
	static const char text[10000] = "MZ";
	struct payload p;
	struct diag d;
	const char *path;

	(void)state;
	diag_init(&d);
	put("moving", text, sizeof(text));
	memset(&mem, 0, sizeof(mem));
	mem.resize_path = path = at("moving");
	mem.resize_to = 9999;
	expect_refusal(path, XK_IO, "shrank from 10000 to 9999 bytes");
	mem.resize_to = 10000;
	expect_refusal(path, XK_IO, "grew beyond 9999 bytes");
	mem.resize_to = 0;
	assert_int_equal(payload_read_initrds(&path, 1, &test_mem, &p, &d), XK_IO);
	assert_non_null(strstr(d.text, "shrank"));
	memset(&mem, 0, sizeof(mem));
	mem.fail = true;
	put("k", text, sizeof(text));
	expect_refusal(at("k"), XK_NOMEM, "No space left");
	path = at("k");
	assert_int_equal(payload_read_initrds(&path, 1, &test_mem, &p, &d), XK_NOMEM);
}

static void joins_initrds(void **state)
{
	const char *paths[] = {at("a"), at("b"), at("c")};
	struct payload p;
	struct diag d;

	(void)state;
	diag_init(&d);
	put("a", "12345", 5);
	put("b", "\x1f\x8bgz", 4); /* never unpacked */
	put("c", "xyz", 3);
	memset(&mem, 0, sizeof(mem));
	assert_int_equal(payload_read_initrds(paths, 3, &test_mem, &p, &d), XK_OK);
	/* 5 bytes and 3 of padding, 4, 3 */
	assert_int_equal(p.len, 15);
	assert_memory_equal(p.data, "12345\0\0\0\x1f\x8bgzxyz", 15);
	payload_deinit(&p);
	assert_int_equal(payload_read_initrds(paths, 1, &test_mem, &p, &d), XK_OK);
	assert_int_equal(p.len, 5);
	payload_deinit(&p);
	mem.calls = 0;
	assert_int_equal(payload_read_initrds(paths, 0, &test_mem, &p, &d), XK_OK);
	assert_int_equal(p.len, 0);
	assert_int_equal(mem.calls, 0);
	payload_deinit(&p);
	put("b", "", 0);
	assert_int_equal(payload_read_initrds(paths, 3, &test_mem, &p, &d), XK_BAD_INPUT);
	assert_non_null(strstr(d.text, "/b: is empty"));
	unlink(paths[2]);
	put("b", "b", 1);
	assert_int_equal(payload_read_initrds(paths, 3, &test_mem, &p, &d), XK_IO);
	assert_non_null(strstr(d.text, "/c: cannot open"));
	assert_int_equal(truncate(paths[0], (off_t)(4 * GiB)), 0);
	assert_int_equal(payload_read_initrds(paths, 2, &test_mem, &p, &d), XK_BAD_INPUT);
	assert_non_null(strstr(d.text, "limit of the boot protocol"));
	assert_int_equal(mem.live, 0);
}

static void reads_files(void **state)
{
	struct buf b = {0};
	struct diag d;

	(void)state;
	diag_init(&d);
	/* /proc says that its files have no size */
	assert_int_equal(file_read("/proc/self/status", 65536, &b, &d), XK_OK);
	assert_memory_equal(b.data, "Name:", 5);
	assert_int_equal(b.data[b.len], 0);
	buf_deinit(&b);
	put("ten", "0123456789", 10);
	hostile_read = 3;
	assert_int_equal(file_read(at("ten"), 10, &b, &d), XK_OK);
	hostile_read = 0;
	assert_int_equal(b.len, 10);
	assert_memory_equal(b.data, "0123456789", 11);
	buf_deinit(&b);
	put("none", "", 0);
	assert_int_equal(file_read(at("none"), 0, &b, &d), XK_OK);
	assert_int_equal(b.len, 0);
	buf_deinit(&b);
	assert_int_equal(file_read(at("ten"), 9, &b, &d), XK_BAD_INPUT);
	assert_non_null(strstr(d.text, "larger than 9 bytes"));
	assert_int_equal(file_read(dir, 9, &b, &d), XK_IO);
	assert_int_equal(file_read(at("absent"), 9, &b, &d), XK_IO);
	assert_null(b.data);
}

static void replaces_files(void **state)
{
	struct bytes content = {(const uint8_t *)"new content", 11};
	struct buf b = {0};
	struct stat st;
	struct diag d;
	char cmd[256];

	(void)state;
	diag_init(&d);
	put("old", "old and longer content", 22);
	assert_int_equal(file_replace(at("old"), content, 0640, &d), XK_OK);
	assert_int_equal(file_read(at("old"), 100, &b, &d), XK_OK);
	assert_int_equal(b.len, 11);
	assert_memory_equal(b.data, "new content", 11);
	buf_deinit(&b);
	assert_int_equal(stat(at("old"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	/* A symlink at the name itself is neither followed nor replaced. */
	put("target", "safe", 4);
	assert_int_equal(symlink(at("target"), at("link")), 0);
	assert_int_equal(file_replace(at("link"), content, 0600, &d), XK_IO);
	assert_non_null(strstr(d.text, "/link: is a symbolic link"));
	assert_int_equal(lstat(at("link"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(file_read(at("target"), 100, &b, &d), XK_OK);
	assert_int_equal(b.len, 4);
	buf_deinit(&b);
	/* Failures leave nothing beside. */
	assert_int_equal(mkdir(at("folder"), 0700), 0);
	assert_int_equal(file_replace(at("folder"), content, 0600, &d), XK_IO);
	assert_non_null(strstr(d.text, "/folder: is a folder"));
	assert_int_equal(file_replace(at("absent/x"), content, 0600, &d), XK_IO);
	assert_non_null(strstr(d.text, "cannot create"));
	snprintf(cmd, sizeof(cmd), "test -z \"$(ls %s | grep -F .)\"", dir);
	assert_int_equal(system(cmd), 0);
}

static void creates_files(void **state)
{
	struct bytes content = {(const uint8_t *)"content", 7}, none = {NULL, 0};
	void (*handler)(int);
	struct rlimit limit;
	struct buf b = {0};
	enum xk_status got;
	struct diag d;
	struct stat st;
	rlim_t was;

	(void)state;
	diag_init(&d);
	assert_int_equal(file_create(at("created"), content, 0600, &d), XK_OK);
	assert_int_equal(file_read(at("created"), 100, &b, &d), XK_OK);
	assert_int_equal(b.len, 7);
	assert_memory_equal(b.data, "content", 7);
	buf_deinit(&b);
	assert_int_equal(stat(at("created"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(file_create(at("created-empty"), none, 0600, &d), XK_OK);
	assert_int_equal(stat(at("created-empty"), &st), 0);
	assert_int_equal(st.st_size, 0);
	/* What is there stays as it is. */
	assert_int_equal(file_create(at("created"), none, 0600, &d), XK_IO);
	assert_non_null(strstr(d.text, "/created: cannot create it: File exists"));
	assert_int_equal(stat(at("created"), &st), 0);
	assert_int_equal(st.st_size, 7);
	/* Also through a symlink that leads nowhere: open() alone would create its target. */
	assert_int_equal(symlink(at("nowhere"), at("dangling")), 0);
	diag_init(&d);
	assert_int_equal(file_create(at("dangling"), content, 0600, &d), XK_IO);
	assert_non_null(strstr(d.text, "/dangling: cannot create it: File exists"));
	assert_int_not_equal(lstat(at("nowhere"), &st), 0);
	diag_init(&d);
	assert_int_equal(file_create(at("absent/x"), content, 0600, &d), XK_IO);
	assert_non_null(strstr(d.text, "/absent/x: cannot create it: No such file or directory"));
	/* Nothing is left of a file that cannot be written. */
	handler = signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	was = limit.rlim_cur;
	limit.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	diag_init(&d);
	got = file_create(at("half"), content, 0600, &d);
	limit.rlim_cur = was;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	signal(SIGXFSZ, handler);
	assert_int_equal(got, XK_IO);
	assert_non_null(strstr(d.text, "/half: cannot write: File too large"));
	assert_int_not_equal(lstat(at("half"), &st), 0);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char cmd[128];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_kernels),
		cmocka_unit_test(reads_odd_gzip),
		cmocka_unit_test(refuses_damage),
		cmocka_unit_test(unpacks_within_limits),
		cmocka_unit_test(detects_by_magic),
		cmocka_unit_test(refuses_what_is_no_file),
		cmocka_unit_test(notices_changes),
		cmocka_unit_test(joins_initrds),
		cmocka_unit_test(reads_files),
		cmocka_unit_test(replaces_files),
		cmocka_unit_test(creates_files),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
