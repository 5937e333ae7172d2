/* SPDX-License-Identifier: Apache-2.0
 *
 * Making errors inside the library. `return od_error_set(err, OD_ERR_FORMAT, "%s: ...", path)` fills the
 * caller's od_error (which may be NULL) and gives the status back.
 */
#ifndef OD_UTIL_ERROR_H
#define OD_UTIL_ERROR_H

#include "objdet/log.h"
#include "objdet/status.h"

/* Formats into err->message (when err is not NULL) and returns `status`. */
od_status od_error_set(od_error *err, od_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the message that err already holds; for adding the file to a parser's error. */
void od_error_prefix(od_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The usual out-of-memory error; `what` names what was being allocated. */
od_status od_error_nomem(od_error *err, const char *what);

/* OD_ERR_IO (or OD_ERR_NOT_FOUND for ENOENT) with strerror(errno): "path: cannot <action>: <reason>". */
od_status od_error_errno(od_error *err, const char *path, const char *action);

/* Hands a formatted line to the program's log callback. */
void od_log(od_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Returns the status of a failing call at once. */
#define OD_TRY(call) \
    do { \
        od_status od_try_status_ = (call); \
        if (od_try_status_ != OD_OK) return od_try_status_; \
    } while (0)

/* The same with clean-up: sets `status` (a local od_status) and jumps to the local label `done`. */
#define OD_TRY_GOTO(call) \
    do { \
        status = (call); \
        if (status != OD_OK) goto done; \
    } while (0)

#endif
