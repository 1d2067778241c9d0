"""Python's multiprocessing.Pool as pool_calls.cpp uses procrun's: prints the seconds that the calls took.

    pool_calls.py apply_async|CHUNK CALLS
"""
import sys
import time
from multiprocessing import Pool


def nothing():
    pass


def next_of(x):
    return x + 1


def main():
    how, calls = sys.argv[1], int(sys.argv[2])
    with Pool(2) as pool:
        pool.apply(nothing)  # the workers are there before the clock starts
        start = time.monotonic()
        if how == "apply_async":
            results = [pool.apply_async(nothing) for _ in range(calls)]
            for result in results:
                result.get()
        else:
            assert pool.map(next_of, range(calls), int(how))[-1] == calls
        print(f"{time.monotonic() - start:.6f}")


if __name__ == "__main__":
    main()
