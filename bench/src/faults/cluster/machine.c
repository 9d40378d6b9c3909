/* Loaded into a process before the C library, and in its place where a process asks for the time or syncs a file:
 * the clock is as far off, and each sync takes as long, as the two numbers say that the file holds which is named
 * in the environment. Whoever started the process may change them at any time. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Milliseconds. */
struct machine {
    _Atomic int64_t clock_off;
    _Atomic int64_t sync_takes;
};

static struct machine right;
static struct machine *machine = &right;

__attribute__((constructor)) static void find_machine(void)
{
    const char *path = getenv("DELTATREE_FAULTS_MACHINE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *mapped = mmap(NULL, sizeof *machine, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED)
        machine = mapped;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    static int (*_Atomic real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(clock, time);
    if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t ms = atomic_load(&machine->clock_off);
        time->tv_sec += ms / 1000;
        time->tv_nsec += ms % 1000 * 1000000;
        if (time->tv_nsec >= 1000000000) {
            time->tv_nsec -= 1000000000;
            time->tv_sec++;
        } else if (time->tv_nsec < 0) {
            time->tv_nsec += 1000000000;
            time->tv_sec--;
        }
    }
    return done;
}

static void take_long(void)
{
    int64_t ms = atomic_load(&machine->sync_takes);
    if (ms > 0) {
        struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
        nanosleep(&pause, NULL);
    }
}

int fsync(int file)
{
    static int (*_Atomic real)(int);
    if (!real)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    take_long();
    return real(file);
}

int fdatasync(int file)
{
    static int (*_Atomic real)(int);
    if (!real)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    take_long();
    return real(file);
}
