/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the library's notes and warnings go. The library never prints: it hands each line to one
 * process-wide callback, which is silent until the program sets it.
 */
#ifndef OBJDET_LOG_H
#define OBJDET_LOG_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum od_log_level { OD_LOG_INFO, OD_LOG_WARNING } od_log_level;

/* Receives one line without a newline. May be called from any thread; `user` is what was registered. */
typedef void (*od_log_fn)(void *user, od_log_level level, const char *message);

/* Sets the callback; NULL silences. Call before other library functions. */
void od_log_set_callback(od_log_fn fn, void *user);

#ifdef __cplusplus
}
#endif
#endif
