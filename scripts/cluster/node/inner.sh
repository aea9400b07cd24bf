#!/bin/sh
# pid 1 of the node's own namespaces, started by scripts/cluster/node.ts: everything that the node mounts, writes and configures
# stays inside them or below DIR. In sh, because it has to mount over the folders that anything else is loaded from.
set -eux
dir=$1 kubernetes=$2 debs=$3 tools=$4 libraries=$5 here=$(cd "$(dirname "$0")" && pwd)
ip=192.168.77.1 node=node
# the plugins ptp and portmap call iptables, kube-proxy calls nft; neither needs to be installed on the machine
mkdir -p "$dir/bin"
for program in iptables ip6tables iptables-save ip6tables-save iptables-restore ip6tables-restore; do
  printf '#!/bin/sh\nLD_LIBRARY_PATH=%s XTABLES_LIBDIR=%s/xtables exec %sxtables-nft-multi %s "$@"\n' "$libraries" "$libraries" "$tools" $program >"$dir/bin/$program"
done
printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %snft "$@"\n' "$libraries" "$tools" >"$dir/bin/nft"
chmod +x "$dir"/bin/*
export PATH="$dir/bin:$kubernetes:$debs/usr/bin:$debs/usr/sbin:$PATH"
printf %s "$PATH" >"$dir/path"

# what the node writes lands below DIR; the kubelet wants shared propagation
mount --make-rprivate /
for d in etc opt var; do
  mkdir -p "$dir/fs/$d.up" "$dir/fs/$d.work" "/$d"
  mount -t overlay -o "lowerdir=/$d,upperdir=$dir/fs/$d.up,workdir=$dir/fs/$d.work" overlay "/$d"
done
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/netns /opt/cni/bin /etc/cni/net.d /var/lib/containerd /var/lib/kubelet
# an overlay cannot be the upper folder of containerd's overlays
for d in containerd kubelet; do mkdir -p "$dir/fs/$d"; mount --bind "$dir/fs/$d" "/var/lib/$d"; done
cp "$debs"/usr/lib/cni/* /opt/cni/bin/
# the kubelet would set these for the whole machine
for s in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  mkdir -p "$dir/fs/sys/${s%/*}"; echo "${s#*=}" >"$dir/fs/sys/${s%=*}"; mount --bind "$dir/fs/sys/${s%=*}" "/proc/sys/${s%=*}"
done
# a boot has an id; a second `up` in the same DIR is a reboot
cat /proc/sys/kernel/random/uuid >"$dir/fs/boot_id"; mount --bind "$dir/fs/boot_id" /proc/sys/kernel/random/boot_id
# cgroups: the same hierarchies, seen from the namespace's root
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  # not over the one that is there: a file system is refused on itself
  umount -l /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup
  # processes may not stay in a group that has controllers enabled
  mkdir -p /sys/fs/cgroup/init; for p in $(cat /sys/fs/cgroup/cgroup.procs); do echo "$p" >/sys/fs/cgroup/init/cgroup.procs || true; done
  for c in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$c" >/sys/fs/cgroup/cgroup.subtree_control || true; done
else
  cgs=$(sed -n 's/^[1-9][0-9]*:\([^:]*\):.*/\1/p' /proc/self/cgroup)
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  for c in $cgs; do mkdir "/sys/fs/cgroup/${c#name=}"; case $c in name=*) c=none,$c ;; esac; mount -t cgroup -o "$c" cgroup "/sys/fs/cgroup/${c#none,name=}"; done
  # runc wants one named hierarchy
  [ -d /sys/fs/cgroup/systemd ] || { mkdir /sys/fs/cgroup/systemd; mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd; }
fi
mount --make-rshared /

# the node's address sits on a bridge without ports; by the default route everyone finds a source address
hostname $node
ip link set lo up
ip link add node0 type bridge; ip addr add $ip/24 dev node0; ip link set node0 up; ip route add default dev node0
sysctl -qw net.ipv4.ip_forward=1
printf '127.0.0.1 localhost\n%s %s\n' $ip $node >/etc/hosts
[ -f /etc/cni/net.d/10-node.conflist ] || cp "$here/10-node.conflist" /etc/cni/net.d/

cd "$dir"
etcd --name t --data-dir "$dir/etcd" --unsafe-no-fsync --watch-progress-notify-interval 5s >log/etcd.log 2>&1 &
kube-apiserver --etcd-servers http://127.0.0.1:2379 --advertise-address $ip --secure-port 6443 \
  --tls-cert-file server.crt --tls-private-key-file server.key --client-ca-file ca.crt \
  --kubelet-client-certificate kubelet-client.crt --kubelet-client-key kubelet-client.key \
  --service-account-issuer https://kubernetes.default.svc --service-account-key-file sa.pub --service-account-signing-key-file sa.key \
  --service-cluster-ip-range 10.96.0.0/16 --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction --allow-privileged=true \
  --audit-policy-file "$here/../audit-policy.yaml" --audit-log-path "$dir/audit.log" --audit-log-mode blocking >log/kube-apiserver.log 2>&1 &
echo $! >"$dir/kube-apiserver.pid"
containerd --config "$here/containerd.toml" >log/containerd.log 2>&1 &
until ctr version >/dev/null 2>&1; do sleep 0.1; done
for t in "$dir"/images/*.tar; do ctr -n k8s.io images import "$t"; done
until kubectl --kubeconfig admin.conf get --raw /readyz >/dev/null 2>&1; do sleep 0.1; done
kube-controller-manager --kubeconfig controller-manager.conf --use-service-account-credentials --service-account-private-key-file sa.key --root-ca-file ca.crt \
  --cluster-signing-cert-file ca.crt --cluster-signing-key-file ca.key --allocate-node-cidrs --cluster-cidr 10.244.0.0/16 --service-cluster-ip-range 10.96.0.0/16 \
  --leader-elect=false --kube-api-qps 200 --kube-api-burst 400 >log/kube-controller-manager.log 2>&1 &
kube-scheduler --kubeconfig scheduler.conf --leader-elect=false --kube-api-qps 200 --kube-api-burst 400 >log/kube-scheduler.log 2>&1 &
sed "s#DIR/#$dir/#" "$here/kubelet.yaml" >kubelet.yaml
kubelet --config kubelet.yaml --kubeconfig kubelet.conf --hostname-override $node --node-ip $ip >log/kubelet.log 2>&1 &
kube-proxy --config "$here/kube-proxy.yaml" --hostname-override $node >log/kube-proxy.log 2>&1 &
export KUBECONFIG=admin.conf
until kubectl wait --for=condition=Ready node/$node --timeout=60s >/dev/null 2>&1; do sleep 0.1; done
until kubectl get serviceaccount default >/dev/null 2>&1; do sleep 0.1; done
: >ready
set +x
while :; do sleep 3600 & wait $!; done # `wait` also reaps what the container shims leave behind
