#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/resource.h>
#include <sched.h>
#include <malloc.h>
#include "CPlatform.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

int platform_is_zero(const void *bytes, size_t length) {
    const unsigned char *at = bytes;
    if (length == 0) return 1;
    // A block is zero when its first byte is and every byte equals the one before it.
    return at[0] == 0 && memcmp(at, at + 1, length - 1) == 0;
}

int platform_open_at(int directory, const char *path, int options) {
    // To open a pipe waits for its other end.
    int flags = O_CLOEXEC | O_NONBLOCK;
    if (options & PLATFORM_OPEN_WRITE) {
        flags |= options & PLATFORM_OPEN_READ ? O_RDWR : O_WRONLY;
    }
    if (options & PLATFORM_OPEN_CREATE) flags |= O_CREAT;
    if (options & PLATFORM_OPEN_TRUNCATE) flags |= O_TRUNC;
    if (options & PLATFORM_OPEN_DIRECT) flags |= O_DIRECT;
    if (options & PLATFORM_OPEN_DSYNC) flags |= O_DSYNC;
    if (options & PLATFORM_OPEN_DIRECTORY) flags |= O_DIRECTORY;
    if (!(options & PLATFORM_OPEN_FOLLOW)) flags |= O_NOFOLLOW;
    int descriptor;
    do {
        descriptor = openat(directory, path, flags, 0600);
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) return -errno;
    struct stat status;
    int result = fstat(descriptor, &status);
    if (result == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
        errno = ENXIO;
        result = -1;
    }
    // Where a file system cannot do without waiting, a ring would fail the reads of such a file.
    if (result == 0) {
        int now = fcntl(descriptor, F_GETFL);
        result = now < 0 ? now : fcntl(descriptor, F_SETFL, now & ~O_NONBLOCK);
    }
    if (result == 0) return descriptor;
    int error = errno;
    close(descriptor);
    return -error;
}

int platform_lock_exclusive(int descriptor) {
    int result;
    do {
        result = flock(descriptor, LOCK_EX | LOCK_NB);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

int platform_is_locked(int descriptor) {
    int result;
    do {
        result = flock(descriptor, LOCK_SH | LOCK_NB);
    } while (result < 0 && errno == EINTR);
    if (result < 0) return errno == EWOULDBLOCK ? 1 : -errno;
    (void)flock(descriptor, LOCK_UN);
    return 0;
}

int platform_allocate(int descriptor, off_t length) {
    int result;
    do {
        result = fallocate(descriptor, 0, 0, length);
    } while (result < 0 && errno == EINTR);
    if (result < 0 && errno == EOPNOTSUPP) return 0;
    return result < 0 ? -errno : 0;
}

int platform_write_all(int descriptor, const void *bytes, size_t length, off_t position) {
    const char *at = bytes;
    while (length > 0) {
        ssize_t written = pwrite(descriptor, at, length, position);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return -errno;
        if (written == 0) return -EIO;
        at += written;
        position += written;
        length -= (size_t)written;
    }
    return 0;
}

ssize_t platform_read(int descriptor, void *bytes, size_t length, off_t position) {
    char *at = bytes;
    size_t done = 0;
    while (done < length) {
        ssize_t got = pread(descriptor, at + done, length - done, position + (off_t)done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -errno;
        if (got == 0) break;
        done += (size_t)got;
        // The end of a file may leave a direct read at an odd place, where the next would fail.
        if (done % 512 != 0) break;
    }
    return (ssize_t)done;
}

void platform_drop_cache(int descriptor) {
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
}

int platform_eventfd(void) {
    int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return descriptor < 0 ? -errno : descriptor;
}

void platform_eventfd_ring(int descriptor) {
    // A full counter (EAGAIN) is readable already, which is all that a ring asks for.
    eventfd_write(descriptor, 1);
}

void platform_eventfd_clear(int descriptor) {
    eventfd_t ignored;
    eventfd_read(descriptor, &ignored);
}

void platform_close(int descriptor) {
    close(descriptor);
}

int platform_wait_readable(int descriptor, int64_t nanoseconds) {
    struct pollfd entry = {.fd = descriptor, .events = POLLIN};
    struct timespec limit = {
        .tv_sec = nanoseconds / 1000000000,
        .tv_nsec = nanoseconds % 1000000000,
    };
    int result = ppoll(&entry, 1, nanoseconds < 0 ? NULL : &limit, NULL);
    return result < 0 ? -errno : result;
}

static uint64_t read_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t platform_boottime(void) {
    return read_clock(CLOCK_BOOTTIME);
}

void platform_relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

uint64_t platform_thread_time(void) {
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

int platform_processors(void) {
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > 0 ? count : 1;
}

void platform_name_thread(const char *name) {
    pthread_setname_np(pthread_self(), name);
}

int platform_list(int directory, void *context, void (*body)(void *context, const char *name)) {
    // A descriptor of its own: the directory's position belongs to the one who reads it.
    int own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0) return -errno;
    DIR *stream = fdopendir(own);
    if (stream == NULL) {
        int failure = errno;
        close(own);
        return -failure;
    }
    struct dirent *entry;
    errno = 0;
    while ((entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            body(context, entry->d_name);
        }
        errno = 0;
    }
    int failure = errno;
    closedir(stream);
    return -failure;
}

struct sched_attributes {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime;
    uint64_t deadline;
    uint64_t period;
};

int platform_use_slices(uint64_t slice) {
    struct sched_attributes attributes = {
        .size = sizeof attributes,
        .policy = SCHED_OTHER,
        .nice = getpriority(PRIO_PROCESS, 0),
        .runtime = slice,
    };
    return syscall(SYS_sched_setattr, 0, &attributes, 0) == 0 ? 0 : -errno;
}

void platform_keep_memory(size_t bytes) {
    mallopt(M_MMAP_THRESHOLD, (int)bytes);
    mallopt(M_TRIM_THRESHOLD, (int)bytes);
    mallopt(M_TOP_PAD, 1 << 20);
}

void platform_lower_priority(int nice) {
    // On Linux a nice value belongs to a thread, and 0 names the calling one.
    (void)setpriority(PRIO_PROCESS, 0, nice);
}

void platform_use_idle_io(void) {
    enum { WHO_PROCESS = 1, CLASS_IDLE = 3, CLASS_SHIFT = 13 };
    (void)syscall(SYS_ioprio_set, WHO_PROCESS, 0, CLASS_IDLE << CLASS_SHIFT);
}

int64_t platform_file_system(const char *path) {
    struct statfs status;
    // Some architectures keep the number in a signed word.
    return statfs(path, &status) == 0 ? (int64_t)(uint32_t)status.f_type : -(int64_t)errno;
}
