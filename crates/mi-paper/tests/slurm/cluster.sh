#!/usr/bin/env bash
# A private Slurm cluster of two emulated nodes on this machine, for tests:
#   cluster.sh start DIR PORT PORT PORT | node DIR NAME | cut DIR NAME | controller DIR | stop DIR
# The ports are those of the controller and of the nodes n1 and n2. Needs root, Slurm and munge. All
# files, keys and sockets are under DIR, an absolute path of at most 70 characters. Daemons listen only
# on 127.0.0.1. Each node has its own host name, process ids and hosts file. `node` starts a node, and
# `cut` is a power cut; `controller` kills the controller and starts it again.
set -euo pipefail
command=$1 dir=$2
export SLURM_CONF=$dir/slurm.conf
host=$(hostname -s)

configure() {
  mkdir -p "$dir"/{state,log,spool/n1,spool/n2}
  chmod 755 "$dir"
  (umask 077 && head -c 128 /dev/urandom >"$dir/munge.key")
  # A requeued job waits for as long as credentials are valid, which is at least 5 s.
  cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$1
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge.sock,cred_expire=5
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/filetxt
JobCompLoc=$dir/log/completed.txt
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1,batch_sched_delay=0
ReturnToService=2
SlurmdParameters=config_overrides
SlurmdTimeout=300
KillWait=5
MinJobAge=3600
MaxArraySize=8
PropagateResourceLimits=NONE
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$2 CPUs=2 State=UNKNOWN
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$3 CPUs=2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES LLN=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
CONF
  printf '127.0.0.1 localhost n1 n2 %s\n' "$host" >"$dir/hosts"
}

# The shell is process 1 of the node's own process ids: when it is killed, so are all the others.
node() {
  setsid unshare --uts --pid --ipc --mount --fork --kill-child --mount-proc bash -c "
    hostname $1
    mount --bind '$dir/hosts' /etc/hosts
    slurmd -D -N $1 &
    trap 'kill \$!' TERM
    wait \$!
    wait \$!" >"$dir/log/$1.txt" 2>&1 </dev/null &
  local outside=$! inside
  for _ in $(seq 200); do
    inside=$(ps -o pid= --ppid "$outside" || true)
    if [ -n "$inside" ]; then
      echo "$inside" >"$dir/$1.pid"
      return
    fi
    sleep 0.02
  done
  echo "node $1 did not start" >&2
  exit 1
}

cut() { kill -KILL "$(tr -d ' ' <"$dir/$1.pid")"; }

idle() {
  for _ in $(seq 200); do
    if [ "$(sinfo -h -N -o %t -p main 2>/dev/null | sort -u)" = idle ]; then return; fi
    sleep 0.05
  done
  sinfo -N -l >&2 || true
  tail -n 20 "$dir"/log/*.log >&2
  exit 1
}

case $command in
start)
  configure "${@:3}"
  munged --force --key-file="$dir/munge.key" --socket="$dir/munge.sock" \
    --pid-file="$dir/munged.pid" --log-file="$dir/log/munged.log" --seed-file="$dir/munged.seed"
  slurmctld
  node n1
  node n2
  idle
  ;;
node) node "$3" ;;
cut) cut "$3" ;;
controller)
  old=$(cat "$dir/slurmctld.pid")
  kill -KILL "$old"
  while kill -0 "$old" 2>/dev/null; do sleep 0.02; done
  slurmctld
  ;;
stop)
  for name in n1 n2; do cut "$name" 2>/dev/null || true; done
  if [ -f "$dir/slurmctld.pid" ]; then kill -KILL "$(cat "$dir/slurmctld.pid")" 2>/dev/null || true; fi
  munged --stop --socket="$dir/munge.sock" >/dev/null 2>&1 || true
  ;;
esac
