"""A process that writes records and says which ones were acknowledged: `log_writer.py FOLDER STREAM TAG BATCH [LIMIT]`.

After each append it prints the numbers it may count on. It goes on until it is killed. With a limit, no file may grow
beyond so many bytes: the kernel's own refusal of a write.
"""

import resource
import signal
import sys
import time
from pathlib import Path

import structlog

from ostiary.visibility.adapters.audit_log import AuditLog, Limits, RecordUnavailable

KEY_FILE = "key.pem"


def main() -> None:
    folder, stream, tag, batch = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    if len(sys.argv) > 5:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[5]), resource.RLIM_INFINITY))
    # What the log repairs it says elsewhere: standard output holds acknowledgements alone.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    log = AuditLog(folder, stream, (folder / KEY_FILE).read_bytes(), Limits(segment_bytes=64 * 1024, min_free_bytes=0))
    number = 0
    while True:
        numbers = range(number, number + batch)
        records = [b'{"tag":"%s","n":%d,"pad":"%s"}' % (tag.encode(), n, b"x" * (n % 400)) for n in numbers]
        try:
            log.append(records, durable=stream == "control")
        except RecordUnavailable as error:
            sys.stdout.write(f"refused {numbers[0]} {numbers[-1]} {error}\n")
            sys.stdout.flush()
            time.sleep(0.01)
            continue
        sys.stdout.write(f"ok {numbers[0]} {numbers[-1]}\n")
        sys.stdout.flush()
        number += batch


if __name__ == "__main__":
    main()
