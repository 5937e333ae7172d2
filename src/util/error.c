/* SPDX-License-Identifier: Apache-2.0 */
#include "util/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static od_log_fn log_callback;
static void *log_user;

const char *od_status_text(od_status status)
{
    static const char *const texts[] = {
#define X(name, text) text,
        OD_STATUS_LIST(X)
#undef X
    };
    return (unsigned)status < OD_STATUS_COUNT ? texts[status] : "unknown status";
}

static void mark_cut(char *buffer, size_t size)
{
    memcpy(buffer + size - 4, "...", 4);
}

od_status od_error_set(od_error *err, od_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        err->status = status;
        int n = vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
        if (n >= (int)sizeof err->message) mark_cut(err->message, sizeof err->message);
    }
    return status;
}

void od_error_prefix(od_error *err, const char *format, ...)
{
    if (!err) return;
    char old[OD_ERROR_MESSAGE_SIZE];
    memcpy(old, err->message, sizeof old);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (n < 0) n = 0;
    if (n >= (int)sizeof err->message) n = (int)sizeof err->message - 1;
    int m = snprintf(err->message + n, sizeof err->message - (size_t)n, ": %s", old);
    if (n + m >= (int)sizeof err->message) mark_cut(err->message, sizeof err->message);
}

od_status od_error_nomem(od_error *err, const char *what)
{
    return od_error_set(err, OD_ERR_NOMEM, "out of memory while allocating %s", what);
}

od_status od_error_errno(od_error *err, const char *path, const char *action)
{
    int e = errno;
    return od_error_set(err, e == ENOENT ? OD_ERR_NOT_FOUND : OD_ERR_IO, "%s: cannot %s: %s", path, action, strerror(e));
}

void od_log_set_callback(od_log_fn fn, void *user)
{
    log_callback = fn;
    log_user = user;
}

void od_log(od_log_level level, const char *format, ...)
{
    if (!log_callback) return;
    char line[OD_ERROR_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    log_callback(log_user, level, line);
}
