# SPDX-License-Identifier: GPL-2.0-or-later
#
# Installation. Programs, manual pages, units and example configuration go
# under PREFIX; DESTDIR is for packagers. A configuration that is there stays.

#: PREFIX  where install puts things (/usr/local)
#: DESTDIR  put before every path that install and modules_install use

PREFIX ?= /usr/local
sbindir ?= $(PREFIX)/sbin
bindir ?= $(PREFIX)/bin
mandir ?= $(PREFIX)/share/man
docdir ?= $(PREFIX)/share/doc/mikey-mime
includedir ?= $(PREFIX)/include
sysconfdir ?= /etc
unitdir ?= $(if $(filter /usr,$(PREFIX)),/lib/systemd/system,/etc/systemd/system)
sysusersdir ?= $(if $(filter /usr,$(PREFIX)),/usr/lib/sysusers.d,/etc/sysusers.d)
tmpfilesdir ?= $(if $(filter /usr,$(PREFIX)),/usr/lib/tmpfiles.d,/etc/tmpfiles.d)

modulesloaddir ?= $(if $(filter /usr,$(PREFIX)),/usr/lib/modules-load.d,/etc/modules-load.d)
completiondir ?= $(PREFIX)/share/bash-completion/completions

user_commands := mikeyctl
daemons = $(filter-out $(user_commands),$(PROGRAMS))
man_pages = $(wildcard docs/man/*.[1-8])
units := $(wildcard packaging/systemd/*.service)

.PHONY: install uninstall modules_install dkms_install
install: programs	## install programs, manual pages, units, example configuration
	$(say) INSTALL '$(DESTDIR)$(PREFIX)'
	$(q)install -d $(DESTDIR)$(bindir) $(DESTDIR)$(sbindir) $(DESTDIR)$(docdir) \
		$(DESTDIR)$(includedir)/mikey $(DESTDIR)$(unitdir) $(DESTDIR)$(sysusersdir) \
		$(DESTDIR)$(tmpfilesdir) $(DESTDIR)$(modulesloaddir) $(DESTDIR)$(completiondir) \
		$(DESTDIR)$(sysconfdir)/mikey-mime
	$(q)install -m 755 $(addprefix $(BUILD)/,$(filter $(user_commands),$(PROGRAMS))) $(DESTDIR)$(bindir)
	$(q)install -m 755 $(addprefix $(BUILD)/,$(daemons)) $(DESTDIR)$(sbindir)
	$(q)install -m 644 README.md $(wildcard docs/*.md) $(DESTDIR)$(docdir)
	$(q)install -m 644 $(wildcard uapi/*.h uapi/*.yaml) $(DESTDIR)$(includedir)/mikey
	$(q)for page in $(man_pages); do \
		install -D -m 644 $$page $(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/} || exit; \
	done
	$(q)for unit in $(units); do \
		sed 's|@sbindir@|$(sbindir)|; s|@bindir@|$(bindir)|; s|@sysconfdir@|$(sysconfdir)|' $$unit \
			> $(DESTDIR)$(unitdir)/$${unit##*/} || exit; \
	done
	$(q)install -m 644 packaging/sysusers.conf $(DESTDIR)$(sysusersdir)/mikey.conf
	$(q)install -m 644 packaging/tmpfiles.conf $(DESTDIR)$(tmpfilesdir)/mikey.conf
	$(q)install -m 644 packaging/modules-load.conf $(DESTDIR)$(modulesloaddir)/mikey.conf
	$(q)install -m 644 $(wildcard packaging/bash-completion/*) $(DESTDIR)$(completiondir)
	$(q)for conf in packaging/examples/*.conf; do \
		to=$(DESTDIR)$(sysconfdir)/mikey-mime/$${conf##*/}; \
		[ -e "$$to" ] || install -m 644 $$conf "$$to" || exit; \
	done

uninstall:	## remove what install installed; configuration and stores stay
	$(say) REMOVE '$(DESTDIR)$(PREFIX)'
	$(q)rm -f $(addprefix $(DESTDIR)$(bindir)/,$(user_commands)) \
		$(addprefix $(DESTDIR)$(sbindir)/,$(daemons)) \
		$(foreach p,$(man_pages),$(DESTDIR)$(mandir)/man$(subst .,,$(suffix $(p)))/$(notdir $(p))) \
		$(addprefix $(DESTDIR)$(unitdir)/,$(notdir $(units))) \
		$(addprefix $(DESTDIR)$(completiondir)/,$(notdir $(wildcard packaging/bash-completion/*))) \
		$(foreach d,$(sysusersdir) $(tmpfilesdir) $(modulesloaddir),$(DESTDIR)$(d)/mikey.conf)
	$(q)rm -rf $(DESTDIR)$(docdir) $(DESTDIR)$(includedir)/mikey

# Debian's headers have neither the key that their configuration signs with,
# nor the System.map without which the kernel's Makefile leaves depmod out.
signing_key = $(wildcard $(KDIR)/certs/signing_key.pem)
modules_to = $(or $(DESTDIR),$(INSTALL_MOD_PATH))
modules_install: modules	## install the modules for the kernel of KDIR
	+$(q)$(kbuild) $(if $(modules_to),INSTALL_MOD_PATH=$(modules_to)) \
		$(if $(signing_key),,CONFIG_MODULE_SIG_ALL=) modules_install \
		2> >(grep -v "missing 'System.map'" >&2)
	$(if $(modules_to),,$(q)depmod $(kernel_release))

dkms_tree = $(DESTDIR)/usr/src/mikey-mime-$(VERSION)
dkms_install:	## install the modules' sources for DKMS
	$(say) INSTALL '$(dkms_tree)'
	$(q)for f in $(module_sources); do \
		install -D -m 644 $$f $(dkms_tree)/$$f || exit; \
	done
	$(q)sed 's/@version@/$(VERSION)/' packaging/dkms.conf > $(dkms_tree)/dkms.conf
	@echo '  now: dkms install mikey-mime/$(VERSION)'
