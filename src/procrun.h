#pragma once
// procrun: processes as in Python's os and multiprocessing, for C++.
//
//   fork, wait, waitpid   the kernel's own, with a typed status
//   Process               a function in a child of its own
//   Pool                  functions called in workers that live through the run
//   Command, Child        a program in a child, and that child until it is reaped
//
// Including this header changes nothing in your process: no signal is blocked, no handler set.
// procrun starts no threads; forking is safe only while your program has one.
#include "pool/pool.h"
#include "process/child.h"
#include "process/command.h"
#include "process/exit_status.h"
#include "process/fork.h"
#include "process/process.h"
