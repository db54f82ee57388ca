# File systems that come and go: memory, the share by its tag.
mkdir /tmp/m /tmp/s
mount -t tmpfs none /tmp/m && echo here >/tmp/m/f && grep -c ' /tmp/m tmpfs ' /proc/mounts
cd /tmp/m && umount /tmp/m 2>/dev/null || echo busy
cd / && umount /tmp/m && ls /tmp/m
mount -t 9p share /tmp/s && cmp /tmp/s/watch /mnt/share/watch && echo the same
echo new >/tmp/s/new && cat /mnt/share/new && rm /tmp/s/new && umount /tmp/s
mount -r -t 9p share /tmp/s && touch /tmp/s/no 2>/dev/null || echo read-only
umount /tmp/s
mount -t 9p nowhere /tmp/s 2>/dev/null || echo no such share
setpriv --reuid 1000 mount -t tmpfs none /tmp/m 2>/dev/null || echo not for users
