/* SPDX-License-Identifier: Apache-2.0
 *
 * Ctrl-C and SIGTERM as a wish: the current step is finished and saved. A second one ends the process at once.
 */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <signal.h>

/* Installs the handlers; the flag to give to the library's `stop`. */
const volatile sig_atomic_t *cli_stop_flag(void);

#endif
