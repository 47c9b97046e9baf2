#!/usr/bin/env bash
# Makes a user with a password, a CA, and the brokers' certificate: secrets.sh DIRECTORY HOST... (once; needs openssl)
set -euo pipefail
umask 077

directory="$1"
shift
names="IP:127.0.0.1"
for host in localhost "$@"; do names+=",DNS:$host"; done

mkdir "$directory"
cd "$directory"
printf serving >username
openssl rand -hex 24 | tr -d '\n' >password
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=Kafka CA" \
    -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout ca.key -out ca.pem 2>openssl.log
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=kafka" -keyout broker.key -out broker.csr \
    2>>openssl.log
printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$names" >broker.ext
openssl x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 825 -extfile broker.ext -out broker.crt \
    2>>openssl.log
cat broker.key broker.crt >broker.pem
rm broker.key broker.csr broker.ext broker.crt openssl.log
