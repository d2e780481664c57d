#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Runs between vfork and exec: in the parent's memory, which stands still meanwhile, but with
// descriptors, signals and limits of its own. Only system calls, and nothing that allocates.
static int become(const struct platform_program *program, pid_t parent) {
    if (setsid() < 0) return errno;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return errno;
    // The parent may have ended before it was asked to be told.
    if (getppid() != parent) return ESRCH;
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int signal = 1; signal < NSIG; signal++) sigaction(signal, &standard, NULL);
    umask(program->umask);
    if (chdir(program->directory) < 0) return errno;
    int empty = open("/dev/null", O_RDONLY);
    if (empty < 0 || dup2(empty, STDIN_FILENO) < 0) return errno;
    if (dup2(program->output, STDOUT_FILENO) < 0) return errno;
    if (dup2(program->errors, STDERR_FILENO) < 0) return errno;
    if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0) < 0) return errno;
    // Not before the parent's descriptors are closed: more of them may be open than this allows.
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = program->descriptors;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(program->path, program->arguments, program->environment);
    return errno;
}

// Groups that are to end with this process; 0: a free place. More than these are not ended by
// `platform_end_groups`.
static _Atomic pid_t groups[256];

static void replace_group(pid_t before, pid_t after) {
    for (size_t place = 0; place < sizeof groups / sizeof *groups; place++) {
        pid_t expected = before;
        if (atomic_compare_exchange_strong(&groups[place], &expected, after)) return;
    }
}

pid_t platform_start(const struct platform_program *program) {
    volatile int failure = 0;
    const pid_t parent = getpid();
    // A handler of the parent must not run in its memory while the child uses it.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t process = vfork();
    if (process == 0) {
        failure = become(program, parent);
        _exit(127);
    }
    int problem = process < 0 ? errno : failure;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (process > 0) replace_group(0, process);
    if (process > 0 && problem != 0) platform_reap(process);
    return problem == 0 ? process : -problem;
}

int platform_process_descriptor(pid_t process) {
    int descriptor = (int)syscall(SYS_pidfd_open, process, 0);
    return descriptor < 0 ? -errno : descriptor;
}

int platform_end_of(pid_t process) {
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)process, &info, WEXITED | WNOHANG | WNOWAIT) < 0) return 0;
    if (info.si_pid == 0) return -1;
    return info.si_code == CLD_EXITED ? info.si_status & 0xff : info.si_status | 0x100;
}

void platform_reap(pid_t process) {
    replace_group(process, 0);
    while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {
    }
    platform_reap_group(process);
}

void platform_reap_group(pid_t group) {
    while (waitpid(-group, NULL, WNOHANG) > 0) {
    }
}

void platform_end_groups(void) {
    for (size_t place = 0; place < sizeof groups / sizeof *groups; place++) {
        pid_t group = atomic_load(&groups[place]);
        if (group > 0) (void)kill(-group, SIGKILL);
    }
}

int platform_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    return fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

void platform_signal_group(pid_t group, int signal) {
    (void)kill(-group, signal);
}
