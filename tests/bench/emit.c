// The cheapest child that writes: static, without a libc, EMIT_BYTES bytes in lines of 64, with
// writes of at most 64 KiB as `cat` and compilers do. Its arguments are not looked at.
enum { kLine = 64, kBlock = EMIT_BYTES < 65536 ? EMIT_BYTES : 65536 };

__attribute__((noreturn)) void _start(void);

static long system_call(long number, long a, const void* b, long c) {
  long result = number;
  __asm__ volatile("syscall" : "+a"(result) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

static char block[kBlock];

// The stack is not aligned as a called function expects it.
__attribute__((force_align_arg_pointer)) void _start(void) {
  for (long i = 0; i < kBlock; ++i)
    block[i] = i % kLine == kLine - 1 || i == kBlock - 1 ? '\n' : 'x';
  long left = EMIT_BYTES;
  while (left > 0) {
    const long written = system_call(1, 1, block, left < kBlock ? left : kBlock);  // write
    if (written == -4) continue;                                                   // EINTR
    if (written <= 0) break;
    left -= written;
  }
  system_call(231, left == 0 ? 0 : 1, 0, 0);  // exit_group
  __builtin_unreachable();
}
