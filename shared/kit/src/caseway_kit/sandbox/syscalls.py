"""System calls that a parser may make, with their numbers on x86_64 and aarch64.

Left out on purpose: all that makes a socket, a process or a program, looks into another process, changes modes or
owners, mounts, traces, or keeps memory that no limit counts (memfd, shared memory). A name that is absent here is
answered with EPERM.
"""

_TABLE = """
    read 0 63, write 1 64, readv 19 65, writev 20 66, pread64 17 67, pwrite64 18 68, preadv 295 69, pwritev 296 70,
    preadv2 327 286, open 2 -, openat 257 56, close 3 57, close_range 436 436, stat 4 -, fstat 5 80, lstat 6 -,
    newfstatat 262 79, statx 332 291, lseek 8 62, access 21 -, faccessat 269 48, faccessat2 439 439, readlink 89 -,
    readlinkat 267 78, getdents 78 -, getdents64 217 61, getcwd 79 17, chdir 80 49, fchdir 81 50, mkdir 83 -,
    mkdirat 258 34, rmdir 84 -, unlink 87 -, unlinkat 263 35, rename 82 -, renameat 264 38, renameat2 316 276,
    link 86 -, linkat 265 37, symlink 88 -, symlinkat 266 36, truncate 76 45, ftruncate 77 46, fallocate 285 47,
    fadvise64 221 223, readahead 187 213, fsync 74 82, fdatasync 75 83, flock 73 32, utimensat 280 88,
    umask 95 166, statfs 137 43, fstatfs 138 44, copy_file_range 326 285, sendfile 40 71, mmap 9 222,
    munmap 11 215, mprotect 10 226, mremap 25 216, madvise 28 233, msync 26 227, mincore 27 232, brk 12 214,
    pkey_mprotect 329 288, pkey_alloc 330 289, pkey_free 331 290, dup 32 23, dup2 33 -, dup3 292 24, pipe 22 -,
    pipe2 293 59, eventfd2 290 19, epoll_create1 291 20, epoll_ctl 233 21, epoll_pwait 281 22, epoll_wait 232 -,
    poll 7 -, ppoll 271 73, select 23 -, pselect6 270 72, sendmsg 46 211, recvmsg 47 212, sendto 44 206,
    recvfrom 45 207, rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139, rt_sigpending 127 136,
    rt_sigtimedwait 128 137, rt_sigsuspend 130 133, sigaltstack 131 132, pause 34 -, alarm 37 -, setitimer 38 103,
    getitimer 36 102, restart_syscall 219 128, futex 202 98, set_robust_list 273 99, set_tid_address 218 96,
    rseq 334 293, membarrier 324 283, arch_prctl 158 -, sched_yield 24 124, sched_getaffinity 204 123,
    getcpu 309 168, exit 60 93, exit_group 231 94, wait4 61 260, waitid 247 95, nanosleep 35 101,
    clock_nanosleep 230 115, clock_gettime 228 113, clock_getres 229 114, gettimeofday 96 169, time 201 -,
    times 100 153, getpid 39 172, getppid 110 173, gettid 186 178, getuid 102 174, geteuid 107 175, getgid 104 176,
    getegid 108 177, getresuid 118 148, getresgid 120 150, getgroups 115 158, getpgrp 111 -, getpgid 121 155,
    getsid 124 156, getrusage 98 165, getrlimit 97 163, setrlimit 160 164, sysinfo 99 179, uname 63 160,
    getrandom 318 278, getpriority 140 141, kill 62 129, tgkill 234 131, clone 56 220, clone3 435 435, ioctl 16 29,
    fcntl 72 25, prctl 157 167, prlimit64 302 261
"""

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH of the kernel


def numbers(machine: str) -> dict[str, int]:
    column, _ = ARCHITECTURES[machine]
    rows = (entry.split() for entry in _TABLE.replace("\n", " ").split(","))
    return {name: int(columns[column]) for name, *columns in rows if columns[column] != "-"}
