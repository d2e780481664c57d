#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// What Swift's Glibc module does not show (variadic functions, GNU extensions) and what only C can
// say (CRC instructions). Functions that can fail return a negative errno, never set errno.

/// CRC-32C (Castagnoli) of `length` bytes, continuing from `crc`; 0 starts a new checksum.
uint32_t platform_crc32c(uint32_t crc, const void *bytes, size_t length);

/// The same by tables alone: what hosts without the instruction get, and the oracle of the tests.
uint32_t platform_crc32c_portable(uint32_t crc, const void *bytes, size_t length);

/// Whether `length` bytes are all zero.
int platform_is_zero(const void *bytes, size_t length);

enum {
    PLATFORM_OPEN_READ = 1,
    PLATFORM_OPEN_WRITE = 2,
    PLATFORM_OPEN_CREATE = 4,
    PLATFORM_OPEN_TRUNCATE = 8,
    PLATFORM_OPEN_DIRECT = 16,
    PLATFORM_OPEN_DSYNC = 32,
    PLATFORM_OPEN_DIRECTORY = 64,
    PLATFORM_OPEN_FOLLOW = 128
};

/// `openat` with `O_CLOEXEC`, with `O_NOFOLLOW` unless told otherwise, and mode 0600 for what it
/// creates. The current directory is -100 (`AT_FDCWD`). A descriptor, or a negative errno: `ENXIO`
/// for what is neither a file nor a directory, which is never waited for.
int platform_open_at(int directory, const char *path, int options);

/// `flock(LOCK_EX | LOCK_NB)`: 0, or a negative errno (`EWOULDBLOCK` when another holds it).
int platform_lock_exclusive(int descriptor);

/// Whether another holds the exclusive `flock` of the file: 1, 0, or a negative errno. Asked by
/// taking a shared one for a moment: whoever wants the exclusive one just then does not get it.
int platform_is_locked(int descriptor);

/// Allocates blocks for `length` bytes from the start: 0, or a negative errno. A file system that
/// cannot allocate ahead (`EOPNOTSUPP`) is not an error: writing the zeros allocates as well.
int platform_allocate(int descriptor, off_t length);

/// Writes all of `length` bytes, or says why not: 0, or a negative errno. A write that stops short
/// of a reason counts as `EIO`.
int platform_write_all(int descriptor, const void *bytes, size_t length, off_t position);

/// Reads until `length` bytes or the end of the file: the count, or a negative errno.
ssize_t platform_read(int descriptor, void *bytes, size_t length, off_t position);

/// Drops what the page cache holds of a file, so that the next read asks the device.
void platform_drop_cache(int descriptor);

/// A non-blocking event counter, closed on exec: a descriptor, or a negative errno.
int platform_eventfd(void);
void platform_eventfd_ring(int descriptor);
void platform_eventfd_clear(int descriptor);

void platform_close(int descriptor);

/// Sleeps until `descriptor` is readable: 1, 0 when `nanoseconds` are over (negative: no limit), or
/// a negative errno (`EINTR` included).
int platform_wait_readable(int descriptor, int64_t nanoseconds);

/// Nanoseconds on a clock that nobody sets and that runs while the machine sleeps.
uint64_t platform_boottime(void);

/// Tells the processor that the calling thread waits for memory to change.
void platform_relax(void);

/// Nanoseconds that the calling thread has had a processor (`CLOCK_THREAD_CPUTIME_ID`).
uint64_t platform_thread_time(void);

/// On how many processors the calling thread may run (`sched_getaffinity(2)`), at least 1.
int platform_processors(void);

/// Names the calling thread, at most 15 bytes, for `top -H` and debuggers.
void platform_name_thread(const char *name);

/// Calls `body` for each name in a directory but `.` and `..`: 0, or a negative errno.
int platform_list(int directory, void *context, void (*body)(void *context, const char *name));

/// Asks the scheduler to run the calling thread for slices of `slice` nanoseconds at a time
/// (`sched_setattr(2)`, Linux 6.12): 0, or a negative errno. With shorter slices than others have it
/// runs sooner after it wakes, with longer ones it is put aside less often. Threads that the kernel
/// makes for it, such as io_uring's workers, inherit it.
int platform_use_slices(uint64_t slice);

/// Gives the calling thread a smaller share of a processor that others want: the smaller the nicer
/// it is, from 1 to 19 (nice(2)).
void platform_lower_priority(int nice);

/// Lets the device serve the calling thread when nobody else wants it, where the scheduler of the
/// device knows that class (`ioprio_set(2)`).
void platform_use_idle_io(void);

/// The number of the kind of file system that `path` is on (`statfs(2)`), or a negative errno.
int64_t platform_file_system(const char *path);

/// Lets the allocator keep up to `bytes` of freed memory, and take buffers up to that size from what
/// it keeps, instead of asking the kernel for zeroed pages again and again. At most 32 MiB.
void platform_keep_memory(size_t bytes);

/// A program to start, and what it finds there. It leads a session and a process group of its own,
/// has no descriptors but the first three, default signals, and is killed when the calling thread
/// ends (PR_SET_PDEATHSIG, prctl(2)): the caller has to be a thread that lives as long as it shall.
struct platform_program {
    /// A path, or a path within `directory`.
    const char *path;
    char *const *arguments;
    char *const *environment;
    const char *directory;
    /// Where its output and its errors go; its input is empty.
    int output;
    int errors;
    mode_t umask;
    /// The soft limit of its file descriptors.
    uint64_t descriptors;
};

/// Starts `program`: its process, or a negative errno.
pid_t platform_start(const struct platform_program *program);

/// A descriptor that is readable once `process`, a child, has ended; or a negative errno.
int platform_process_descriptor(pid_t process);

/// How `process`, a child, has ended: its exit status, or its signal and 256; -1 while it runs. Its
/// number stays its own until `platform_reap`.
int platform_end_of(pid_t process);
void platform_reap(pid_t process);

/// Buries those of the group of an ended process that this one has adopted: as the first process of
/// a container it adopts all orphans.
void platform_reap_group(pid_t group);

/// Ends (SIGKILL) the groups of all processes that were started and not reaped. For whoever is about
/// to end this process: the kernel ends only those that it started itself, not what they started.
void platform_end_groups(void);

/// A pipe whose ends are closed on exec, the reading one non-blocking: 0, or a negative errno.
int platform_pipe(int ends[2]);

/// Sends `signal` to all processes of a group.
void platform_signal_group(pid_t group, int signal);
