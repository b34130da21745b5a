/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The version that modinfo and CAPS tell; one for both modules.
 */
#ifndef MIKEY_TICKET_VERSION_H
#define MIKEY_TICKET_VERSION_H

#define MIKEY_MODULE_VERSION "0.1.0"

#endif
