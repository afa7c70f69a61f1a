#!/bin/sh
# At the first start: a certificate, and an administrator whose password is drawn and written down. Then it is Gitea.
set -eu
umask 027
access=/var/lib/gitea/access
config=/var/lib/gitea/app.ini
mkdir -p "$access"
if [ ! -e "$access/password" ]; then
  # It writes secrets of its own into its configuration.
  cp /etc/leastwise/gitea.ini "$config"
  chmod 600 "$config"
  cd "$access"
  gitea cert --host gitea,localhost --ca --duration 87600h
  mv cert.pem ca.pem
  gitea --config "$config" migrate
  password=$(gitea generate secret SECRET_KEY)
  gitea --config "$config" admin user create --admin --must-change-password=false \
    --username leastwise-admin --email leastwise-admin@example.com --password "$password"
  # Last: where it is, all else is.
  printf '%s' "$password" > password.new
  mv password.new password
fi
cd /var/lib/gitea
exec gitea --config "$config" web
