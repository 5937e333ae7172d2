/* SPDX-License-Identifier: Apache-2.0 */
#include "stop.h"

#include <stddef.h>
#include <string.h>

static volatile sig_atomic_t wanted;

static void on_signal(int number)
{
    if (wanted) {
        signal(number, SIG_DFL);
        raise(number);
    }
    wanted = 1;
}

const volatile sig_atomic_t *cli_stop_flag(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return &wanted;
}
