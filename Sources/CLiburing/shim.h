// liburing.h defines _XOPEN_SOURCE 500, which would change fd_set under Swift's Glibc module;
// including sys/types.h first settles the definition.
#include <sys/types.h>
#include <liburing.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

// Switches on a ring that was set up with IORING_SETUP_R_DISABLED. liburing 2.3 declares
// io_uring_enable_rings and forgets to export it; this is what it does: 0, or a negative errno.
static inline int liburing_enable_rings(struct io_uring *ring) {
  long result = syscall(__NR_io_uring_register, ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, 0, 0);
  return result < 0 ? -errno : 0;
}
