// CRC-32C (polynomial 0x1EDC6F41, reflected 0x82F63B78): RFC 3720, appendix B.4.
//
// The CRC instructions take one 8-byte word a cycle but answer three cycles later, so long inputs
// are cut into three lanes that run at once. The lanes are joined with the linearity of a CRC:
// crc(A then B) = shift(crc(A), |B|) xor crc(B), where the shift by a fixed length is one look-up
// for each byte of the checksum (Mark Adler, crc32c.c, 2013).

#include "CPlatform.h"

#include <string.h>

enum { LONG_LANE = 2048, SHORT_LANE = 256 };

static uint32_t byte_table[8][256];
static uint32_t long_shift[4][256];
static uint32_t short_shift[4][256];
static uint32_t (*chosen)(uint32_t, const unsigned char *, size_t);

static uint64_t load64(const unsigned char *at) {
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

static uint32_t by_table(uint32_t crc, const unsigned char *at, size_t length) {
    while (length >= 8) {
        uint32_t low = crc ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                              (uint32_t)at[3] << 24);
        crc = byte_table[7][low & 0xFF] ^ byte_table[6][low >> 8 & 0xFF] ^
              byte_table[5][low >> 16 & 0xFF] ^ byte_table[4][low >> 24] ^
              byte_table[3][at[4]] ^ byte_table[2][at[5]] ^ byte_table[1][at[6]] ^
              byte_table[0][at[7]];
        at += 8;
        length -= 8;
    }
    while (length-- > 0) crc = byte_table[0][(crc ^ *at++) & 0xFF] ^ crc >> 8;
    return crc;
}

static uint32_t shifted(uint32_t table[4][256], uint32_t crc) {
    return table[0][crc & 0xFF] ^ table[1][crc >> 8 & 0xFF] ^ table[2][crc >> 16 & 0xFF] ^
           table[3][crc >> 24];
}

// One body for both families: three lanes, then words, then bytes.
#define THREE_LANES(LANE, SHIFT, WORD)                                                             \
    while (length >= 3 * LANE) {                                                                   \
        uint64_t second = 0, third = 0;                                                            \
        for (const unsigned char *end = at + LANE; at < end; at += 8) {                            \
            state = WORD(state, load64(at));                                                       \
            second = WORD(second, load64(at + LANE));                                              \
            third = WORD(third, load64(at + 2 * LANE));                                            \
        }                                                                                          \
        state = shifted(SHIFT, (uint32_t)state) ^ second;                                          \
        state = shifted(SHIFT, (uint32_t)state) ^ third;                                           \
        at += 2 * LANE;                                                                            \
        length -= 3 * LANE;                                                                        \
    }

#define BY_INSTRUCTION(WORD, BYTE)                                                                 \
    uint64_t state = crc;                                                                          \
    THREE_LANES(LONG_LANE, long_shift, WORD)                                                       \
    THREE_LANES(SHORT_LANE, short_shift, WORD)                                                     \
    for (; length >= 8; length -= 8, at += 8) state = WORD(state, load64(at));                     \
    for (; length > 0; length -= 1, at += 1) state = BYTE((uint32_t)state, *at);                   \
    return (uint32_t)state;

#if defined(__x86_64__)
#include <nmmintrin.h>
#define INSTRUCTION 1
__attribute__((target("sse4.2"))) static uint32_t by_instruction(
    uint32_t crc, const unsigned char *at, size_t length
) {
    BY_INSTRUCTION(_mm_crc32_u64, _mm_crc32_u8)
}
static int has_instruction(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2");
}
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#include <arm_acle.h>
#include <sys/auxv.h>
#define INSTRUCTION 1
__attribute__((target("crc"))) static uint32_t by_instruction(
    uint32_t crc, const unsigned char *at, size_t length
) {
    BY_INSTRUCTION(__crc32cd, __crc32cb)
}
static int has_instruction(void) {
    enum { HWCAP_BIT_CRC32 = 1 << 7 };
    return (getauxval(AT_HWCAP) & HWCAP_BIT_CRC32) != 0;
}
#endif

/// Each of the 32 bits is shifted by itself; every other entry is a sum of two that are known.
static void fill_shift(uint32_t table[4][256], size_t zeros) {
    static const unsigned char block[LONG_LANE];
    for (int byte = 0; byte < 4; byte++) {
        for (uint32_t value = 1; value < 256; value++) {
            uint32_t lowest = value & -value;
            table[byte][value] = value == lowest
                ? by_table(value << 8 * byte, block, zeros)
                : table[byte][lowest] ^ table[byte][value ^ lowest];
        }
    }
}

__attribute__((constructor)) static void prepare(void) {
    for (uint32_t value = 0; value < 256; value++) {
        uint32_t crc = value;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0x82F63B78 : crc >> 1;
        byte_table[0][value] = crc;
    }
    for (int slice = 1; slice < 8; slice++) {
        for (uint32_t value = 0; value < 256; value++) {
            uint32_t before = byte_table[slice - 1][value];
            byte_table[slice][value] = byte_table[0][before & 0xFF] ^ before >> 8;
        }
    }
    chosen = by_table;
#ifdef INSTRUCTION
    fill_shift(long_shift, LONG_LANE);
    fill_shift(short_shift, SHORT_LANE);
    if (has_instruction()) chosen = by_instruction;
#endif
}

uint32_t platform_crc32c(uint32_t crc, const void *bytes, size_t length) {
    return ~chosen(~crc, bytes, length);
}

uint32_t platform_crc32c_portable(uint32_t crc, const void *bytes, size_t length) {
    return ~by_table(~crc, bytes, length);
}
